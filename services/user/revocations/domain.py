"""How long the end of a session must be remembered, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mesh.identity.tokens import LIFETIME_S

# The clocks of processes differ, and a token may be signed a moment after its session was looked at.
SLACK = timedelta(minutes=1)
REMEMBERED = timedelta(seconds=LIFETIME_S) + SLACK


@dataclass(frozen=True, slots=True)
class Revocation:
    """A session, or an API key, that has ended. After `expires_at` no token of it can be good anyway."""

    session_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Frame:
    """Revocations in the order of their commits, and the place in the log where they end."""

    items: Sequence[Revocation]
    position: int

    def nothing_more(self) -> "Frame":
        """The frame after this one when nothing has happened."""
        return Frame((), self.position)

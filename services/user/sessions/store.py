"""The port to where sessions are kept."""

from datetime import datetime
from typing import Protocol

from services.user.sessions.domain import Outcome, RefreshToken, Session


class SessionStore(Protocol):
    """Sessions. Each change is kept together with its event `user.activity`, both or none."""

    async def add(self, session: Session) -> None:
        """Keeps a session that begins, and its beginning as the user's last log-in."""
        ...

    async def present(self, token: RefreshToken, now: datetime) -> Outcome:
        """Presents `token` to the session of its family, and keeps what becomes of it.

        Of calls at the same time each sees what the one before has left.
        """
        ...

    async def end(self, session_id: str, now: datetime) -> None:
        """Ends a session; does nothing when it has ended, or never was."""
        ...

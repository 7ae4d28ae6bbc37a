"""Rules of bookmarks. No I/O, no wire format."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mesh.errors import WrongState
from services.message.command import Command
from services.message.messages.domain import Message

MAX_BOOKMARKS = 1000
"""Of one user."""


@dataclass(frozen=True, slots=True)
class PutBookmark(Command):
    """Keeps a message, or changes the note to it."""

    message_id: str
    note: str

    @property
    def told_ids(self) -> Collection[str]:
        return (self.origin.actor_id,)


@dataclass(frozen=True, slots=True)
class DeleteBookmark(Command):
    message_id: str

    @property
    def told_ids(self) -> Collection[str]:
        return (self.origin.actor_id,)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A message that somebody keeps, as it is now."""

    message: Message
    note: str
    created_at: datetime


def check_room(kept: int) -> None:
    """Raises WrongState (QUOTA_REACHED)."""
    if kept >= MAX_BOOKMARKS:
        raise WrongState("QUOTA_REACHED", f"You keep {MAX_BOOKMARKS} messages already. Forget one first.")

"""Rules of bookmarks. No I/O, no wire format."""

from dataclasses import dataclass
from datetime import datetime

from mesh.errors import WrongState
from services.message.command import OwnCommand
from services.message.messages.domain import Message

MAX_BOOKMARKS = 1000
"""Of one user."""


@dataclass(frozen=True, slots=True)
class PutBookmark(OwnCommand):
    """Keeps a message, or changes the note to it."""

    message_id: str
    note: str


@dataclass(frozen=True, slots=True)
class DeleteBookmark(OwnCommand):
    message_id: str


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

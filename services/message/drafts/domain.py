"""Rules of drafts: one for each conversation and thread, for their writer alone. No I/O, no wire format."""

from dataclasses import dataclass
from datetime import datetime

from services.message.command import OwnCommand


@dataclass(frozen=True, slots=True)
class Draft:
    """`thread_root` is empty for the conversation itself, `reply_to` for no message. Without both text and message
    there is nothing to keep.
    """

    conversation_id: str
    thread_root: str
    text: str = ""
    reply_to: str = ""
    updated_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return not self.text and not self.reply_to


@dataclass(frozen=True, slots=True)
class SaveDraft(OwnCommand):
    """Keeps what the actor has begun, or forgets it when that is nothing. Writing a message forgets no draft."""

    conversation_id: str
    thread_root: str
    text: str
    reply_to: str

    @property
    def size(self) -> int:
        return 4 * len(self.text)


def saved(before: Draft, command: SaveDraft, at: datetime) -> Draft:
    """The draft after the command; the same object when it says the same already."""
    if (before.text, before.reply_to) == (command.text, command.reply_to):
        return before
    return Draft(before.conversation_id, before.thread_root, command.text, command.reply_to, at)

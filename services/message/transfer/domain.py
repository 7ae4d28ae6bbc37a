"""Rules of imports and exports. No I/O, no wire format."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from mesh.errors import Conflict, Invalid, Violation
from services.message.command import Command
from services.message.conversations.domain import Conversation, check_writable, not_found
from services.message.messages.domain import Format, Message

FAST_CLOCKS = timedelta(minutes=1)
"""How far ahead of ours another system's clock may be."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A message of another system. `id` is the one it gets here."""

    id: str
    external_id: str
    sender_id: str
    text: str
    html: str
    format: Format
    created_at: datetime

    @property
    def client_msg_id(self) -> str:
        return f"imp:{self.external_id}"

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of what it says and when, so that a late repeat is still known."""
        return hashlib.sha256(orjson.dumps((self.text, self.format, self.created_at.isoformat()))).digest()


@dataclass(frozen=True, slots=True)
class ImportMessages(Command):
    """Writes messages that are not there yet: all that are new, or none when one is refused."""

    conversation_id: str
    items: tuple[Imported, ...]

    @property
    def size(self) -> int:
        return sum(4 * len(item.text) for item in self.items)


@dataclass(frozen=True, slots=True)
class ImportedSoFar:
    written: int
    skipped: int
    last_seq: int


def writable(conversation: Conversation | None) -> Conversation:
    """Raises NotFound (CONVERSATION_NOT_FOUND), WrongState (CONVERSATION_ARCHIVED)."""
    if conversation is None or conversation.deleted_at is not None:
        raise not_found()
    check_writable(conversation)
    return conversation


def check_repeat(stored: bytes, item: Imported) -> None:
    """Raises Conflict (IMPORT_CONFLICT) unless the stored fingerprint is the item's."""
    if stored != item.fingerprint:
        about = {"external_id": item.external_id, "sender_id": item.sender_id}
        raise Conflict(
            "IMPORT_CONFLICT", "This external_id was used for a message with another content.", metadata=about
        )


def check_past(at: datetime, now: datetime) -> None:
    """Raises Invalid (INVALID_REQUEST) for what was not written yet."""
    if at > now + FAST_CLOCKS:
        rule = Violation("message.created_at", "import_messages.past", "must not lie ahead")
        raise Invalid("INVALID_REQUEST", "message.created_at: must not lie ahead", violations=[rule])


def written(item: Imported, conversation: Conversation, seq: int) -> Message:
    return Message(
        id=item.id,
        workspace_id=conversation.workspace_id,
        conversation_id=conversation.id,
        seq=seq,
        sender_id=item.sender_id,
        client_msg_id=item.client_msg_id,
        text=item.text,
        reply_to="",
        metadata={},
        version=1,
        created_at=item.created_at,
        format=item.format,
        html=item.html,
    )

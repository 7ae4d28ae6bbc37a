"""Rules of messages: who may write, edit and delete, and when a repeat is the same. No I/O, no wire format."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

import orjson

from mesh.errors import Conflict, Error, Forbidden, NotFound, WrongState
from services.message.command import Command
from services.message.conversations.domain import Member, Role, check_etag, check_role


class Format(IntEnum):
    """How a text is written. The numbers are those of the contract."""

    PLAIN = 1
    MARKDOWN = 2


@dataclass(frozen=True, slots=True)
class Mentions:
    """Who a message calls."""

    user_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    all: bool = False
    here: bool = False

    @property
    def everybody(self) -> bool:
        return self.all or self.here


NOBODY = Mentions()


@dataclass(frozen=True, slots=True)
class Reaction:
    """One emoji under a message, how many use it, and the first of them."""

    emoji: str
    count: int
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as stored. Once deleted it keeps its number and its ids, and nothing of what it said."""

    id: str
    workspace_id: str
    conversation_id: str
    seq: int
    sender_id: str
    client_msg_id: str
    text: str
    reply_to: str
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    deleted_by: str = ""
    format: Format = Format.PLAIN
    html: str = ""
    attachments: tuple[str, ...] = ()
    """Ids of files."""
    mentions: Mentions = NOBODY
    thread_root: str = ""
    """The message it is a reply to in a thread; empty when it is none."""
    reply_count: int = 0
    last_reply_seq: int = 0
    """Of the thread that hangs on it."""
    reactions: tuple[Reaction, ...] = ()
    pinned_at: datetime | None = None
    silent: bool = False
    undelete_until: datetime | None = None
    """Of a tombstone, until when the deletion can be taken back."""
    revision: int = 1
    """Raised by everything that changes what is shown of it; `version` only by edits and deletions."""

    @property
    def state(self) -> str:
        """What begins its etags: it changes with all that a change of the message could overwrite."""
        return f"{self.id[-12:]}-{self.version}"

    @property
    def etag(self) -> str:
        return f"{self.state}-{self.revision}"


@dataclass(frozen=True, slots=True)
class SendMessage(Command):
    """Writes the message `id`, unless the sender used `client_msg_id` in this conversation before."""

    id: str
    conversation_id: str
    client_msg_id: str
    text: str
    reply_to: str
    metadata: Mapping[str, str]
    fingerprint: bytes

    @property
    def size(self) -> int:
        return 4 * len(self.text)


@dataclass(frozen=True, slots=True)
class EditMessage(Command):
    """Changes a text. With an etag, only what it was read with."""

    message_id: str
    text: str
    etag: str = ""

    @property
    def size(self) -> int:
        return 4 * len(self.text)


@dataclass(frozen=True, slots=True)
class DeleteMessage(Command):
    """Leaves a tombstone. With an etag, only of what it was read with."""

    message_id: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """`replayed` is true when the message was stored by an earlier command."""

    message: Message
    replayed: bool


def fingerprint(text: str, reply_to: str, metadata: Mapping[str, str]) -> bytes:
    """SHA-256 of what a send says. It stays when the message is edited, so a late repeat is still known."""
    return hashlib.sha256(orjson.dumps((text, reply_to, sorted(metadata.items())))).digest()


def check_repeat(stored: bytes, command: SendMessage) -> None:
    """Raises Conflict (CLIENT_MSG_ID_CONFLICT) unless the stored fingerprint is the command's."""
    if stored != command.fingerprint:
        raise Conflict("CLIENT_MSG_ID_CONFLICT", "This client_msg_id was used for a message with another content.")


def check_writes(member: Member) -> None:
    """Guests only read. Raises Forbidden (ROLE_TOO_LOW)."""
    check_role(member, Role.MEMBER)


def written(command: SendMessage, seq: int, at: datetime) -> Message:
    return Message(
        id=command.id,
        workspace_id=command.origin.workspace_id,
        conversation_id=command.conversation_id,
        seq=seq,
        sender_id=command.origin.actor_id,
        client_msg_id=command.client_msg_id,
        text=command.text,
        reply_to=command.reply_to,
        metadata=command.metadata,
        version=1,
        created_at=at,
    )


def edited(message: Message, actor: Member, command: EditMessage, at: datetime) -> Message:
    """The message with another text; the same object when the text is the same, whatever the etag.

    So a repeat is answered like the first time. Raises Forbidden (ROLE_TOO_LOW, NOT_AUTHOR), WrongState
    (MESSAGE_DELETED), Stale (ETAG_MISMATCH).
    """
    if message.sender_id != actor.user_id:
        raise Forbidden("NOT_AUTHOR", "Only the author may edit a message.")
    check_writes(actor)
    if message.deleted_at is not None:
        raise WrongState("MESSAGE_DELETED", "The message is deleted.")
    if message.text == command.text:
        return message
    check_etag(state_of(command.etag), message.state)
    return replace(message, text=command.text, version=message.version + 1, revision=message.revision + 1, edited_at=at)


def deleted(message: Message, actor: Member, command: DeleteMessage, at: datetime) -> Message:
    """The tombstone; the same object when it is one already, whatever the etag.

    Raises Forbidden (ROLE_TOO_LOW), Stale (ETAG_MISMATCH).
    """
    if message.sender_id != actor.user_id:
        check_role(actor, Role.ADMIN)
    if message.deleted_at is not None:
        return message
    check_etag(state_of(command.etag), message.state)
    version, revision = message.version + 1, message.revision + 1
    return replace(
        message, text="", metadata={}, version=version, revision=revision, deleted_at=at, deleted_by=actor.user_id
    )


def state_of(etag: str) -> str:
    """The part of an etag that a change of the message has to agree with."""
    return "-".join(etag.split("-", 2)[:2])


def visible(message: Message | None, member: Member | None) -> tuple[Message, Member]:
    """Both, as far as they are there. Raises NotFound (MESSAGE_NOT_FOUND): others cannot tell the two apart."""
    if message is None or member is None:
        raise not_found()
    return message, member


def not_found() -> Error:
    return NotFound("MESSAGE_NOT_FOUND", "There is no such message, or you may not see it.")


def reply_not_found() -> Error:
    return NotFound("REPLY_NOT_FOUND", "The message answered to is not in this conversation.")

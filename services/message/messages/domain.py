"""Rules of messages: who may write, edit and delete, and when a repeat is the same. No I/O, no wire format."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from datetime import datetime, timedelta
from enum import IntEnum
from operator import attrgetter
from typing import Any

import orjson

from mesh.errors import Conflict, Error, Exhausted, Forbidden, Invalid, NotFound, Violation, WrongState
from services.message.command import Command
from services.message.conversations.domain import (
    Conversation,
    Member,
    Role,
    check_etag,
    check_mentions_everybody,
    check_posts,
    check_role,
    check_writable,
)
from services.message.messages.markdown import render

UNDELETE = timedelta(minutes=15)
"""How long a deletion can be taken back."""


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
class Called:
    """Whom a message calls of those who are there, and for whom a row says so: nobody when it calls everybody."""

    mentions: Mentions
    user_ids: tuple[str, ...]


UNCALLED = Called(NOBODY, ())


@dataclass(frozen=True, slots=True)
class Reaction:
    """One emoji under a message, how many use it, and the first of them."""

    emoji: str
    count: int
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What a message passes on, as it was then."""

    message_id: str
    conversation_id: str
    sender_id: str
    created_at: datetime
    text: str
    format: Format
    html: str
    attachments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PollOption:
    """Something to choose, how many chose it, and the first of them."""

    text: str
    votes: int = 0
    user_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Poll:
    """A question with what was chosen so far. Options are named by their place: "1", "2" and so on."""

    question: str
    options: tuple[PollOption, ...]
    multiple: bool = False
    anonymous: bool = False
    closes_at: datetime | None = None
    """When it closes by itself."""
    closed_at: datetime | None = None
    """When somebody closed it."""
    voter_count: int = 0


@dataclass(frozen=True, slots=True)
class LinkPreview:
    """What a page says of itself. All but the title may be empty."""

    url: str
    title: str
    description: str
    site_name: str
    image_url: str


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
    expires_at: datetime | None = None
    """When it becomes a tombstone by itself."""
    forwarded: Forwarded | None = None
    previews: tuple[LinkPreview, ...] = ()
    """Of what this version of the text links to."""
    poll: Poll | None = None
    revision: int = 1
    """Raised by everything that changes what is shown of it; `version` only by edits and deletions."""

    @property
    def is_bare(self) -> bool:
        """Whether it is as it was sent, and nothing but a text: most are."""
        return _MORE_OF(self) == _NOTHING_MORE

    @property
    def state(self) -> str:
        """What begins its etags: it changes with all that a change of the message could overwrite."""
        return f"{self.id[-12:]}-{self.version}"

    @property
    def etag(self) -> str:
        return f"{self.state}-{self.revision}"


_MORE = {"reply_to": "", "metadata": {}} | {f.name: f.default for f in fields(Message) if f.default is not MISSING}
del _MORE["format"], _MORE["revision"]
_MORE_OF, _NOTHING_MORE = attrgetter(*_MORE), tuple(_MORE.values())


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
    format: Format = Format.PLAIN
    html: str = ""
    attachments: tuple[str, ...] = ()
    mentions: Mentions = NOBODY
    """Whom to call, whether they are in the conversation or not."""
    thread_root: str = ""
    silent: bool = False
    expires_in_s: int = 0
    """0 for never."""
    poll: Poll | None = None

    @property
    def size(self) -> int:
        return 4 * len(self.text) + _size(self.mentions)


@dataclass(frozen=True, slots=True)
class ForwardMessage(SendMessage):
    """Writes a message that passes `message_id` on."""

    message_id: str = ""


@dataclass(frozen=True, slots=True)
class EditMessage(Command):
    """Changes a text, and whom it calls unless None. With an etag, only what it was read with."""

    message_id: str
    text: str
    etag: str = ""
    mentions: Mentions | None = None

    @property
    def size(self) -> int:
        return 4 * len(self.text) + _size(self.mentions or NOBODY)


@dataclass(frozen=True, slots=True)
class RestoreVersion(Command):
    """Makes the text of an earlier version the present one."""

    message_id: str
    version: int


@dataclass(frozen=True, slots=True)
class DeleteMessage(Command):
    """Leaves a tombstone. With an etag, only of what it was read with."""

    message_id: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class UndeleteMessage(Command):
    message_id: str


@dataclass(frozen=True, slots=True)
class ExpireMessage(Command):
    """Makes a tombstone of a message that is due."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Sent:
    """`replayed` is true when the message was stored by an earlier command."""

    message: Message
    replayed: bool


@dataclass(frozen=True, slots=True)
class Version:
    """A text that a message has or had, and since when."""

    version: int
    text: str
    html: str
    at: datetime


def fingerprint(text: str, reply_to: str, metadata: Mapping[str, str], **more: Any) -> bytes:
    """SHA-256 of what a send says. It stays when the message is edited, so a late repeat is still known.

    `more` is what else it says, by name. Fields that are empty do not count, so that those of later versions change
    nothing of what is stored already.
    """
    said = {name: value for name, value in more.items() if value}
    content = (text, reply_to, sorted(metadata.items()))
    return hashlib.sha256(orjson.dumps((*content, said) if said else content, option=orjson.OPT_SORT_KEYS)).digest()


def check_repeat(stored: bytes, command: SendMessage) -> None:
    """Raises Conflict (CLIENT_MSG_ID_CONFLICT) unless the stored fingerprint is the command's."""
    if stored != command.fingerprint:
        raise Conflict("CLIENT_MSG_ID_CONFLICT", "This client_msg_id was used for a message with another content.")


def check_pace(conversation: Conversation, member: Member, last: datetime | None, at: datetime) -> None:
    """Whether the sender may write again, after a message at `last`. Raises Exhausted (SLOW_MODE)."""
    if not is_slowed(conversation, member) or last is None:
        return
    left_s = conversation.slow_mode_s - (at - last).total_seconds()
    if left_s > 0:
        detail = f"One message in {conversation.slow_mode_s} seconds is allowed here."
        raise Exhausted("SLOW_MODE", detail, retry_after_s=left_s)


def is_slowed(conversation: Conversation, member: Member) -> bool:
    """Whether slow mode is there for this member."""
    return conversation.slow_mode_s > 0 and member.role > Role.ADMIN


def check_poll(poll: Poll | None, at: datetime) -> None:
    """Raises Invalid (INVALID_REQUEST) for one that would be closed already."""
    if poll is not None and poll.closes_at is not None and poll.closes_at <= at:
        detail = "must lie in the future"
        broken = [Violation("poll.closes_at", "poll.closes_at", detail)]
        raise Invalid("INVALID_REQUEST", f"poll.closes_at {detail}.", violations=broken)


def check_root(root: Message | None) -> Message:
    """The root. Raises NotFound (THREAD_NOT_FOUND)."""
    if root is None or root.deleted_at is not None or root.thread_root:
        raise NotFound("THREAD_NOT_FOUND", "The message that the thread is to hang on is not there for that.")
    return root


def called(asked: Mentions, sender_id: str, there: Collection[str], people: Mapping[str, Collection[str]]) -> Called:
    """Who of those asked for is called: `there` of the users, and `people` by group."""
    user_ids = tuple(user_id for user_id in asked.user_ids if user_id in there)
    group_ids = tuple(group_id for group_id in asked.group_ids if group_id in people)
    mentions = replace(asked, user_ids=user_ids, group_ids=group_ids)
    if mentions.everybody:
        return Called(mentions, ())
    found = dict.fromkeys([*user_ids, *(user_id for group_id in group_ids for user_id in people[group_id])])
    return Called(mentions, tuple(user_id for user_id in found if user_id != sender_id))


def written(command: SendMessage, seq: int, at: datetime, mentions: Mentions, forwarded: Forwarded | None) -> Message:
    """`mentions` are those of whom it calls that are there."""
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
        format=command.format,
        html=command.html,
        attachments=command.attachments,
        mentions=mentions,
        thread_root=command.thread_root,
        silent=command.silent,
        expires_at=at + timedelta(seconds=command.expires_in_s) if command.expires_in_s else None,
        forwarded=forwarded,
        poll=command.poll,
    )


def passed_on(source: Message) -> Forwarded:
    """What a forward keeps of a message, or of what that passes on itself; of a poll without words, its question.

    Raises WrongState (MESSAGE_DELETED).
    """
    check_there(source)
    if source.forwarded is not None:
        return source.forwarded
    return Forwarded(
        message_id=source.id,
        conversation_id=source.conversation_id,
        sender_id=source.sender_id,
        created_at=source.created_at,
        text=source.text or (source.poll.question if source.poll else ""),
        format=source.format,
        html=source.html,
        attachments=source.attachments,
    )


def answered(root: Message, seq: int) -> Message:
    """The root of a thread with one more reply."""
    return touched(root, reply_count=root.reply_count + 1, last_reply_seq=max(seq, root.last_reply_seq))


def recounted(root: Message, step: int) -> Message:
    """The root of a thread of which a reply was deleted or came back. Its last number stays: tombstones have theirs."""
    return touched(root, reply_count=root.reply_count + step)


def check_edits(conversation: Conversation, message: Message, actor: Member) -> None:
    """Raises Forbidden (NOT_AUTHOR, ROLE_TOO_LOW, CONTACT_REFUSED), WrongState (CONVERSATION_ARCHIVED,
    MESSAGE_DELETED)."""
    if message.sender_id != actor.user_id:
        raise Forbidden("NOT_AUTHOR", "Only the author may edit a message.")
    check_posts(conversation, actor)
    check_there(message)


def edited(
    conversation: Conversation, message: Message, actor: Member, command: EditMessage, mentions: Mentions, at: datetime
) -> Message:
    """The message with another text and other `mentions`; the same object when nothing is new, whatever the etag.

    So a repeat is answered like the first time. Only after `check_edits`. Raises Stale (ETAG_MISMATCH), Forbidden
    (ROLE_TOO_LOW).
    """
    if (message.text, message.mentions) == (command.text, mentions):
        return message
    check_etag(state_of(command.etag), message.state)
    if mentions.everybody and not message.mentions.everybody:
        check_mentions_everybody(conversation, actor)
    html = render(command.text) if message.format is Format.MARKDOWN else ""
    return rewritten(message, command.text, html, at, mentions=mentions)


def rewritten(message: Message, text: str, html: str, at: datetime, **changes: Any) -> Message:
    """The next version of a message."""
    return touched(message, text=text, html=html, previews=(), version=message.version + 1, edited_at=at, **changes)


def deleted(
    conversation: Conversation, message: Message, actor: Member, command: DeleteMessage, at: datetime
) -> Message:
    """The tombstone; the same object when it is one already, whatever the etag.

    Raises Forbidden (ROLE_TOO_LOW), WrongState (CONVERSATION_ARCHIVED), Stale (ETAG_MISMATCH).
    """
    if message.sender_id != actor.user_id:
        check_role(actor, Role.ADMIN)
    if message.deleted_at is not None:
        return message
    check_writable(conversation)
    check_etag(state_of(command.etag), message.state)
    return tombstone(message, actor.user_id, at, undelete_until=at + UNDELETE)


def expired(message: Message, at: datetime) -> Message:
    """The tombstone of a message that is due; the same object when it is not, or was deleted before."""
    if message.deleted_at is not None or message.expires_at is None or message.expires_at > at:
        return message
    return tombstone(message, "", at)


def tombstone(message: Message, deleted_by: str, at: datetime, undelete_until: datetime | None = None) -> Message:
    """The message without all that it said. What hangs on it stays: its replies, and that it is one itself."""
    return touched(
        message,
        text="",
        html="",
        metadata={},
        attachments=(),
        mentions=NOBODY,
        reactions=(),
        forwarded=None,
        previews=(),
        poll=None,
        pinned_at=None,
        version=message.version + 1,
        deleted_at=at,
        deleted_by=deleted_by,
        undelete_until=undelete_until,
    )


def check_undeletes(conversation: Conversation, message: Message, actor: Member, at: datetime) -> bool:
    """Whether there is a deletion to take back. What the author deleted is theirs to take back, else an admin's.

    Raises Forbidden (NOT_AUTHOR, ROLE_TOO_LOW, CONTACT_REFUSED), WrongState (CONVERSATION_ARCHIVED,
    UNDELETE_EXPIRED).
    """
    by_admin = message.deleted_by not in ("", message.sender_id)
    if by_admin:
        check_role(actor, Role.ADMIN)
    elif message.sender_id != actor.user_id and (message.deleted_at is not None or actor.role > Role.ADMIN):
        raise Forbidden("NOT_AUTHOR", "Only the author may take back their own deletion.")
    if message.deleted_at is None:
        return False
    check_posts(conversation, actor)
    is_due = message.expires_at is not None and message.expires_at <= at
    if message.undelete_until is None or message.undelete_until <= at or is_due:
        raise undelete_expired()
    return True


def undeleted(tombstone: Message, **said: Any) -> Message:
    """The message as it was, with a new version."""
    version = tombstone.version + 1
    return touched(tombstone, version=version, deleted_at=None, deleted_by="", undelete_until=None, **said)


def touched(message: Message, **changes: Any) -> Message:
    """The message after a change that its etag tells of."""
    return replace(message, revision=message.revision + 1, **changes)


def state_of(etag: str) -> str:
    """The part of an etag that a change of the message has to agree with."""
    return "-".join(etag.split("-", 2)[:2])


def check_there(message: Message) -> None:
    """Raises WrongState (MESSAGE_DELETED)."""
    if message.deleted_at is not None:
        raise WrongState("MESSAGE_DELETED", "The message is deleted.")


def visible(message: Message | None, member: Member | None) -> tuple[Message, Member]:
    """Both, as far as they are there. Raises NotFound (MESSAGE_NOT_FOUND): others cannot tell the two apart."""
    if message is None or member is None:
        raise not_found()
    return message, member


def not_found() -> Error:
    return NotFound("MESSAGE_NOT_FOUND", "There is no such message, or you may not see it.")


def reply_not_found() -> Error:
    return NotFound("REPLY_NOT_FOUND", "The message answered to is not in this conversation.")


def undelete_expired() -> Error:
    return WrongState("UNDELETE_EXPIRED", "The deletion cannot be taken back any more.")


def version_not_found() -> Error:
    return NotFound("VERSION_NOT_FOUND", "The message has no such version.")


def _size(mentions: Mentions) -> int:
    """About how many bytes of rows say whom a message calls."""
    return _ROW_BYTES * (len(mentions.user_ids) + _GROUP_ROWS * len(mentions.group_ids))


_ROW_BYTES, _GROUP_ROWS = 50, 1000

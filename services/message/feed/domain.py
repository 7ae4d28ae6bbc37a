"""Changes, places in their logs, and which of them a reader is still to get. No I/O, no wire format."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from mesh.errors import Error, Exhausted, Invalid, Violation
from services.message.command import Command, Origin
from services.message.messages.domain import Message

MESSAGE_NEW: Final = "message-new"
MESSAGE_UPDATED: Final = "message-updated"
MESSAGE_DELETED: Final = "message-deleted"
REACTION_ADDED: Final = "reaction-added"
REACTION_REMOVED: Final = "reaction-removed"
MESSAGE_PINNED: Final = "message-pinned"
MESSAGE_UNPINNED: Final = "message-unpinned"
POLL_UPDATED: Final = "poll-updated"
THREAD_UPDATED: Final = "thread-updated"
CONVERSATION_CREATED: Final = "conversation-created"
CONVERSATION_UPDATED: Final = "conversation-updated"
CONVERSATION_ARCHIVED: Final = "conversation-archived"
CONVERSATION_UNARCHIVED: Final = "conversation-unarchived"
CONVERSATION_DELETED: Final = "conversation-deleted"
MEMBER_ADDED: Final = "member-added"
MEMBER_UPDATED: Final = "member-updated"
MEMBER_REMOVED: Final = "member-removed"
MEMBER_BANNED: Final = "member-banned"
MEMBER_UNBANNED: Final = "member-unbanned"
CONVERSATION_ADDED: Final = "conversation-added"
CONVERSATION_REMOVED: Final = "conversation-removed"
UNREAD_UPDATED: Final = "unread-updated"
DELIVERED_UPDATED: Final = "delivered-updated"
THREAD_READ: Final = "thread-read"
PREFERENCES_UPDATED: Final = "preferences-updated"
DRAFT_UPDATED: Final = "draft-updated"
INVITE_RECEIVED: Final = "invite-received"
INVITE_UPDATED: Final = "invite-updated"
BOOKMARK_UPDATED: Final = "bookmark-updated"
SCHEDULED_UPDATED: Final = "scheduled-updated"
SCHEDULED_SENT: Final = "scheduled-sent"
SCHEDULED_FAILED: Final = "scheduled-failed"
REPORT_UPDATED: Final = "report-updated"
GROUP_UPDATED: Final = "group-updated"
RECEIPT_READ: Final = "receipt-read"
RECEIPT_DELIVERED: Final = "receipt-delivered"
TYPING: Final = "typing"
STOP_TYPING: Final = "stop-typing"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened: in a conversation's log (`pos`), in a user's own (`user_pos`), or in neither.

    What it is about is either `message`, in its present state, or `body`, a serialized `ChangeData` without profiles.
    """

    type: str
    conversation_id: str
    origin: Origin
    at: datetime
    pos: int = 0
    message: Message | None = None
    body: bytes = b""
    subject_id: str = ""
    """The member it is about."""
    user_id: str = ""
    """The user whose own log it stands in; empty for all members of the conversation."""
    user_pos: int = 0
    joining: tuple[str, ...] = ()
    """Who gets it beside the members: those who become members by it."""
    except_user_id: str = ""
    """Who does not get it, though a member."""
    kept: bytes | None = None
    """What the log keeps in place of `body`, where that is told as it is when it is read; None for all of it."""
    is_receipt: bool = False
    """Of a change in a user's own log: whether the bus is told of it, as a receipt."""

    @property
    def event_id(self) -> str:
        """Names a durable change for ever; empty for others."""
        if self.user_pos:
            return f"{self.user_id}:{self.user_pos}"
        return f"{self.conversation_id}:{self.pos}" if self.pos else ""


@dataclass(frozen=True, slots=True)
class Place:
    """How far logs are read: the user's own, and those of conversations by id."""

    user_pos: int
    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Attach(Command):
    """Answers where the logs of the actor stand, as a `Place`.

    `opened` is called with it in between: after all changes before that place were published, before all others.
    """

    opened: Callable[[Place], None] = field(compare=False)


@dataclass(frozen=True, slots=True)
class MarkPublished(Command):
    """Keeps rows of the outbox from coming again: changes of conversations, and receipts by `(user id, user_pos)`."""

    ids: tuple[int, ...] = ()
    receipts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Which changes to read next: places in conversations, then a span of the user's own log."""

    wanted: Sequence[tuple[str, int]]
    user_after: int
    user_upto: int


@dataclass(frozen=True, slots=True)
class Missed:
    """The changes of a conversation between two places, which are not told one by one."""

    conversation_id: str
    from_pos: int
    to_pos: int
    last_seq: int
    """Number of its last message."""


def start(asked: Place, heads: Place, joined: Collection[str]) -> Place:
    """Where to read on in each of the reader's logs, which stand at `heads`.

    A conversation that was not asked for starts at its beginning when it is in `joined` (those joined since the asked
    place), else now. The user's own log starts now when asked from 0. What is asked for but not the reader's is left
    out. Raises Invalid (POSITION_AHEAD).
    """
    ahead = [c for c, head in heads.positions.items() if asked.positions.get(c, 0) > head]
    broken = [Violation(f'positions["{c}"]', "position.ahead", "is after the end of the log") for c in ahead]
    if asked.user_pos > heads.user_pos:
        broken.append(Violation("user_pos", "position.ahead", "is after the end of the log"))
    if broken:
        raise Invalid("POSITION_AHEAD", f"{broken[0].field} {broken[0].detail}.", violations=broken)
    positions = {c: asked.positions.get(c, 0 if c in joined else head) for c, head in heads.positions.items()}
    return Place(asked.user_pos or heads.user_pos, positions)


def next_page(place: Place, heads: Place, limit: int) -> Page:
    """The next `limit` changes between `place` and `heads`. Logs have no gaps, so the places are known unread.

    Conversations come before the user's own log: whoever stops in between is not yet told of a conversation whose
    changes are still missing.
    """
    wanted: list[tuple[str, int]] = []
    for conversation_id, after in place.positions.items():
        upto = min(heads.positions[conversation_id], after + limit - len(wanted))
        wanted += [(conversation_id, pos) for pos in range(after + 1, upto + 1)]
    user_upto = min(heads.user_pos, place.user_pos + limit - len(wanted))
    return Page(wanted, place.user_pos, user_upto)


def long(place: Place, heads: Place, most: int) -> list[str]:
    """The conversations with more than `most` changes between `place` and `heads`; none when `most` is 0."""
    return [c for c, after in place.positions.items() if most and heads.positions[c] - after > most]


def skipped(place: Place, heads: Place, last_seqs: Mapping[str, int]) -> tuple[Place, list[Missed]]:
    """The place moved on to the heads of the conversations in `last_seqs`, and what is missed by that."""
    missed = [Missed(c, place.positions[c], heads.positions[c], last_seq) for c, last_seq in last_seqs.items()]
    return Place(place.user_pos, {**place.positions, **{one.conversation_id: one.to_pos for one in missed}}), missed


def moved(place: Place, changes: Sequence[Change]) -> Place:
    """The place after `changes`."""
    user_pos, positions = place.user_pos, dict(place.positions)
    for change in changes:
        if change.user_pos:
            user_pos = change.user_pos
        else:
            positions[change.conversation_id] = change.pos
    return Place(user_pos, positions)


def slow_consumer() -> Error:
    return Exhausted("SLOW_CONSUMER", "The stream was read too slowly. Open it again from the place reached.")

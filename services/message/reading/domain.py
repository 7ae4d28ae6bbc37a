"""Rules of marks: what others see only moves forward, one's own may go back. No I/O, no wire format."""

from dataclasses import dataclass, replace

from mesh.errors import Error, NotFound
from services.message.command import OwnCommand
from services.message.conversations.domain import Counts, Member
from services.message.messages.domain import Message


@dataclass(frozen=True, slots=True)
class MarkUnread(OwnCommand):
    """Makes everything from the message `seq` on unread again, for the actor alone."""

    conversation_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class MarkDelivered(OwnCommand):
    conversation_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class MarkThreadRead(OwnCommand):
    """Moves the actor's mark forward in the thread that hangs on `message_id`."""

    message_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class ThreadMark:
    """Up to where somebody has read in a thread, and how many replies of others after it are not deleted."""

    conversation_id: str
    root_id: str
    last_read_seq: int
    unread_count: int


@dataclass(frozen=True, slots=True)
class Unread:
    """What somebody has not read in one conversation."""

    conversation_id: str
    last_read_seq: int
    counts: Counts


def unmarked(member: Member, seq: int) -> Member:
    """The member with everything from `seq` on unread; the same object when it is already.

    What others know of it stays.
    """
    return replace(member, last_read_seq=seq - 1) if seq <= member.last_read_seq else member


def delivered(member: Member, seq: int, last_seq: int) -> Member:
    """The member reached up to `seq`: never back, never beyond the last message; else the same object."""
    seq = min(seq, last_seq)
    return replace(member, delivered_seq=seq) if seq > member.delivered_seq else member


def thread_marked(root: Message, read_seq: int, seq: int) -> int:
    """The mark in the thread of `root`, moved from `read_seq` to `seq`: never back, never beyond the last reply."""
    return max(read_seq, min(seq, root.last_reply_seq))


def check_root(message: Message) -> None:
    """Raises NotFound (THREAD_NOT_FOUND) for a message that hangs in a thread itself."""
    if message.thread_root:
        raise thread_not_found()


def thread_not_found() -> Error:
    return NotFound("THREAD_NOT_FOUND", "The message hangs in a thread itself: ask for the one at its root.")

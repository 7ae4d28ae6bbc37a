"""A client's copy of its conversations, which only follows changes, as the contract tells clients to."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chat.message.v1.change_pb2 import Change
from chat.message.v1.conversation_pb2 import Member, Membership
from chat.message.v1.feed_service_pb2 import SyncResponse
from chat.message.v1.message_pb2 import Message


@dataclass
class Copy:
    """One conversation: messages by number, members by id, and one's own marks."""

    messages: dict[int, Message] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    last_read_seq: int = 0
    unread: tuple[int, int] | None = None
    """As last told; what is counted locally is another thing."""
    my: Membership = field(default_factory=Membership)


class Replica:
    """One device. `user_pos` and `positions` are its place; `start` is the place of its first copy."""

    def __init__(self, user_pos: int, positions: dict[str, int]) -> None:
        self.user_pos = user_pos
        self.positions = dict(positions)
        self.copies: dict[str, Copy] = {id_: Copy() for id_ in positions}

    def sync(self, page: SyncResponse) -> None:
        """Takes a page over. Raises AssertionError unless it follows the place without gap or repetition."""
        self.follow(page.events)
        assert page.user_pos == self.user_pos, "the place after the page is not that of its last change"
        moved = {id_: page.positions[id_] for id_ in self.positions if id_ in page.positions}
        assert moved == self.positions, "the place after the page is not that of its last changes"

    def follow(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.user_pos:
                assert change.user_pos == self.user_pos + 1, f"own log: {change.user_pos} after {self.user_pos}"
                self.user_pos = change.user_pos
            else:
                last = self.positions.get(change.conversation_id, 0)
                assert change.pos == last + 1, f"log of {change.conversation_id}: {change.pos} after {last}"
                self.positions[change.conversation_id] = change.pos
            self.apply(change)

    def apply(self, change: Change) -> None:
        kind, id_ = change.type, change.conversation_id
        if kind == "conversation-removed":
            # One that has moved beyond the removal was taken in again meanwhile.
            if self.positions.get(id_, 0) <= change.data.conversation.last_pos:
                self.copies.pop(id_, None)
                self.positions.pop(id_, None)
            return
        copy = self.copies.setdefault(id_, Copy()) if id_ else Copy()
        if kind in ("message-new", "message-updated", "message-deleted"):
            copy.messages[change.data.message.seq] = change.data.message
        elif kind in ("reaction-added", "reaction-removed"):
            self._react(copy, change)
        elif kind == "thread-updated":
            for message in copy.messages.values():
                if message.id == change.data.thread.root_id:
                    message.thread.CopyFrom(change.data.thread)
        elif kind in ("message-pinned", "message-unpinned"):
            _set_pinned(copy.messages[change.data.pinned.seq], change)
        elif kind in ("conversation-created", "conversation-added"):
            # A snapshot is as of its place: what came later is applied already, and must not be undone.
            if self.positions.get(id_, 0) <= change.data.conversation.last_pos:
                copy.members |= {member.user.id: member for member in change.data.conversation.members}
            if kind == "conversation-added":
                copy.last_read_seq = change.data.conversation.last_seq
                copy.unread = None
        elif kind in ("member-added", "member-updated"):
            copy.members[change.data.member.user.id] = change.data.member
        elif kind == "member-removed":
            copy.members.pop(change.data.member.user.id, None)
        elif kind == "unread-updated":
            unread = change.data.unread
            copy.last_read_seq, copy.unread = unread.last_read_seq, (unread.unread_count, unread.mention_count)
        elif kind in ("preferences-updated", "delivered-updated"):
            copy.my = change.data.membership

    @staticmethod
    def _react(copy: Copy, change: Change) -> None:
        state, message = change.data.reaction, copy.messages[change.data.reaction.seq]
        kept = [reaction for reaction in message.reactions if reaction.emoji != state.reaction.emoji]
        there = len(kept) < len(message.reactions)
        if state.reaction.count and there:
            kept = [state.reaction if r.emoji == state.reaction.emoji else r for r in message.reactions]
        elif state.reaction.count:
            kept.append(state.reaction)
        kept = [type(reaction).FromString(reaction.SerializeToString()) for reaction in kept]
        del message.reactions[:]
        message.reactions.extend(kept)


def _set_pinned(message: Message, change: Change) -> None:
    if change.data.pinned.HasField("pinned_at"):
        message.pinned_at.CopyFrom(change.data.pinned.pinned_at)
    else:
        message.ClearField("pinned_at")

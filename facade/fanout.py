"""From events to sockets: who of this process is in which conversation, and one frame for all of them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, Protocol

from prometheus_client import Counter

from chat.message.v1.change_pb2 import Change
from chat.message.v1.feed_service_pb2 import Attached, RelayEvent
from facade.engine.packets import event_frame
from facade.order import Order
from facade.ring import Ring
from facade.translate import Encoder

MAX_HELD: Final = 1000
MAX_HELD_BYTES: Final = 1 << 20
"""Changes kept for a socket while it is told what it missed."""
MAX_LATEST: Final = 1000
"""Receipts kept for a socket that is slow."""

_ADDED: Final = "conversation-added"
_MEMBERSHIP: Final = (_ADDED, "conversation-removed")
_RECEIPTS: Final = ("receipt-read", "receipt-delivered")

Shared = dict[str, list[tuple[Change, bytes]]]
"""By conversation, what all of its members get."""


class Outlet(Protocol):
    """What a receiver is written to through."""

    @property
    def is_congested(self) -> bool:
        """Whether so much waits that what can be left out should be."""
        ...

    @property
    def write_directly(self) -> Callable[[bytes], None] | None:
        """Sends frames at once; None while that cannot be done."""
        ...

    def write(self, frames: bytes) -> None:
        """Sends frames, now or later."""
        ...


class Receiver:
    """One socket as the fan-out sees it. While `held` is a list, changes wait there instead of being written."""

    __slots__ = ("_held_bytes", "_latest", "after", "conversations", "direct", "held", "outlet", "user_id")

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.user_id = ""
        self.conversations: set[str] = set()
        self.after: dict[str, int] = {}
        """Logs of which it knows more than was handed on here, and up to where: that is not told again."""
        self.held: list[tuple[Change, bytes]] | None = []
        self._held_bytes = 0
        self.direct: Callable[[bytes], None] | None = None
        """Writes frames at once. None when each has to be looked at."""
        self._latest: dict[tuple[str, str, str], bytes] | None = None

    @property
    def token(self) -> str:
        """The access token that it was opened with, or goes on with."""
        raise NotImplementedError

    def overflow(self) -> None:
        """More waits than may."""
        raise NotImplementedError

    def miss(self) -> None:
        """It has missed something that cannot be told here: it is to come back from its place."""
        raise NotImplementedError

    def hand(self, change: Change, frame: bytes) -> None:
        """Takes a change: to write it, to keep it, or to leave it out when it is of the moment and there is no room."""
        if self.after and self._is_told(change):
            return
        if self.held is not None:
            self._held_bytes += len(frame)
            if len(self.held) < MAX_HELD and self._held_bytes <= MAX_HELD_BYTES:
                self.held.append((change, frame))
            else:
                self.overflow()
        elif self.outlet.is_congested and not (change.pos or change.user_pos):
            self._shed(change, frame)
        else:
            self.outlet.write(frame)

    def release(self, user_pos: int, positions: dict[str, int]) -> None:
        """Writes what waited and lies after the given place; from now on everything is written at once."""
        held, self.held = self.held or [], None
        for change, frame in held:
            seen = (
                change.user_pos <= user_pos
                if change.user_pos
                else change.pos <= positions.get(change.conversation_id, 0)
            )
            if not seen or not (change.user_pos or change.pos):
                self.hand(change, frame)
        self.settle()

    def hold(self) -> None:
        """From now on changes wait."""
        self.held, self._held_bytes, self.direct = [], 0, None

    def settle(self) -> None:
        """How the socket can be written to has changed."""
        self.direct = self.outlet.write_directly if self.held is None and not self.after else None
        if self._latest is not None and self.direct is not None:
            latest, self._latest = self._latest, None
            for frame in latest.values():
                self.outlet.write(frame)

    def _is_told(self, change: Change) -> bool:
        log, number = (self.user_id, change.user_pos) if change.user_pos else (change.conversation_id, change.pos)
        if number and number <= self.after.get(log, 0):
            return True
        if number and self.after.pop(log, None) is not None and not self.after:
            self.settle()
        return False

    def _shed(self, change: Change, frame: bytes) -> None:
        """Of receipts the newest one counts, which is told later. Typing will be over by then."""
        if change.type in _RECEIPTS:
            latest = self._latest = self._latest or {}
            key = (change.type, change.conversation_id, change.data.receipt.user_id)
            if key in latest or len(latest) < MAX_LATEST:
                latest[key] = frame


class Fanout:
    """Routes every event once to each receiver it is for. `order` knows how far the logs of all receivers are, `ring`
    keeps the frames of their latest changes.
    """

    def __init__(self, encoder: Encoder, deliveries: Counter, order: Order, ring: Ring) -> None:
        self._encode = encoder.of(Change.DESCRIPTOR)
        self._deliveries = deliveries
        self._order = order
        self.ring = ring
        self._by_conversation: dict[str, dict[Receiver, None]] = defaultdict(dict)
        self._by_user: dict[str, dict[Receiver, None]] = defaultdict(dict)

    def join(self, receiver: Receiver, attached: Attached) -> None:
        """The receiver's user is known: it gets what happens in these conversations from now on.

        `attached` is moved on to where that is, as some of what comes after it may have been handed on already.
        """
        receiver.user_id = attached.user_id
        if attached.user_pos < self._order.last(attached.user_id):
            self._move_on(attached)
        self._begin(receiver, attached.user_id, attached.user_pos, is_user=True)
        self._by_user[attached.user_id][receiver] = None
        for conversation_id in receiver.conversations - set(attached.positions):
            self._leave_conversation(receiver, conversation_id)
        for conversation_id, pos in list(attached.positions.items()):
            self._join_conversation(receiver, conversation_id)
            attached.positions[conversation_id] = max(pos, self._begin(receiver, conversation_id, pos))

    def reach(self, receiver: Receiver, user_pos: int, positions: Mapping[str, int]) -> None:
        """The receiver has been told everything up to there, by other ways than this."""
        self._begin(receiver, receiver.user_id, user_pos, is_user=True)
        for conversation_id in receiver.conversations & positions.keys():
            self._begin(receiver, conversation_id, positions[conversation_id])

    def leave(self, receiver: Receiver) -> None:
        """Forgets a receiver."""
        for conversation_id in list(receiver.conversations):
            self._leave_conversation(receiver, conversation_id)
        if _discard(self._by_user, receiver.user_id, receiver):
            self._order.close(receiver.user_id)

    def place(self, receiver: Receiver) -> tuple[int, dict[str, int]]:
        """Up to where everything was handed to the receiver: `user_pos` and positions."""
        last = self._order.last
        return last(receiver.user_id), {id_: last(id_) for id_ in receiver.conversations}

    def receivers_of(self, log: str) -> Collection[Receiver]:
        """Those who follow a conversation, or a user's own log."""
        return [*self._by_user.get(log, ()), *self._by_conversation.get(log, ())]

    def apply(self, events: Iterable[RelayEvent]) -> None:
        """Hands on events that are in order. Those of one conversation reach a socket in one piece."""
        shared: Shared = {}
        for event in events:
            if event.user_id:
                if event.change.type in _MEMBERSHIP:
                    self._share(shared)
                self._tell_user(event)
            elif event.except_user_id:
                self._share(shared)
                self._tell_others(event)
            else:
                self._add(shared, event.change)
        self._share(shared)

    def frame(self, change: Change) -> bytes:
        """The frame of a change, encoded once for all who get it."""
        return event_frame(change.type, self._encode(change))

    def _add(self, shared: Shared, change: Change) -> None:
        conversation_id = change.conversation_id
        if conversation_id in self._by_conversation:
            frame = self.frame(change)
            shared.setdefault(conversation_id, []).append((change, frame))
            if change.pos:
                self.ring.add(conversation_id, change.pos, frame)

    def _share(self, shared: Shared) -> None:
        for conversation_id, items in shared.items():
            receivers = self._by_conversation.get(conversation_id, {})
            frames = b"".join([frame for _, frame in items]) if len(items) > 1 else items[0][1]
            for receiver in receivers:
                if receiver.direct is not None:
                    try:
                        receiver.direct(frames)
                    except RuntimeError:  # The connection broke a moment ago.
                        receiver.direct = None
                else:
                    for change, frame in items:
                        receiver.hand(change, frame)
            self._deliveries.inc(len(receivers) * len(items))
        shared.clear()

    def _tell_user(self, event: RelayEvent) -> None:
        receivers, change = list(self._by_user.get(event.user_id, ())), event.change
        for receiver in receivers:
            self._follow_membership(receiver, change)
        if receivers:
            frame = self._tell(receivers, change)
            if change.user_pos and change.type not in _MEMBERSHIP:  # Who comes or goes is for the store to judge.
                self.ring.add(event.user_id, change.user_pos, frame)

    def _tell_others(self, event: RelayEvent) -> None:
        receivers = self._by_conversation.get(event.change.conversation_id, ())
        if others := [receiver for receiver in receivers if receiver.user_id != event.except_user_id]:
            frame = self._tell(others, event.change)
            if event.change.pos:
                self.ring.add(event.change.conversation_id, event.change.pos, frame)
        if event.change.pos:  # By it they have left, though their own log may tell them later.
            for receiver in self._by_user.get(event.except_user_id, ()):
                self._leave_conversation(receiver, event.change.conversation_id)

    def _tell(self, receivers: list[Receiver], change: Change) -> bytes:
        frame = self.frame(change)
        for receiver in receivers:
            receiver.hand(change, frame)
        self._deliveries.inc(len(receivers))
        return frame

    def _follow_membership(self, receiver: Receiver, change: Change) -> None:
        conversation_id = change.conversation_id
        if change.type == _ADDED and conversation_id not in receiver.conversations:
            self._join_conversation(receiver, conversation_id)
            start = change.data.conversation.last_pos
            if self._begin(receiver, conversation_id, start) > start:
                receiver.miss()  # What others here were told since it became a member.
        elif change.type != _ADDED and change.type in _MEMBERSHIP:
            self._leave_conversation(receiver, conversation_id)

    def _begin(self, receiver: Receiver, log: str, number: int, *, is_user: bool = False) -> int:
        """What comes after `number` is the first of a log that the receiver is told; up to where it is handed on."""
        last = self._order.open(log, number, is_user=is_user)
        if number > last:
            receiver.after[log] = number
            receiver.direct = None
        return last

    def _move_on(self, attached: Attached) -> None:
        """Other sockets of the user have heard more already, and know better in which conversations they are."""
        known, positions = next(iter(self._by_user[attached.user_id])), dict(attached.positions)
        attached.user_pos = self._order.last(attached.user_id)
        attached.positions.clear()
        attached.positions.update({id_: positions.get(id_, self._order.last(id_)) for id_ in known.conversations})

    def _join_conversation(self, receiver: Receiver, conversation_id: str) -> None:
        receiver.conversations.add(conversation_id)
        self._by_conversation[conversation_id][receiver] = None

    def _leave_conversation(self, receiver: Receiver, conversation_id: str) -> None:
        receiver.conversations.discard(conversation_id)
        receiver.after.pop(conversation_id, None)
        if _discard(self._by_conversation, conversation_id, receiver):
            self._order.close(conversation_id)


def _discard(groups: dict[str, dict[Receiver, None]], key: str, receiver: Receiver) -> bool:
    """Takes a receiver out of a group; True when it was the last."""
    group = groups.get(key)
    if group is None:
        return False
    group.pop(receiver, None)
    if not group:
        del groups[key]
    return not group

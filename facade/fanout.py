"""From events to sockets: who of this process is in which conversation, and one frame for all of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from prometheus_client import Counter

from chat.message.v1.change_pb2 import Change
from chat.message.v1.feed_service_pb2 import Attached, RelayEvent
from facade.engine.packets import event_frame
from facade.translate import Encoder

MAX_HELD: Final = 1000
"""Changes kept for a socket while it is told what it missed."""
MAX_LATEST: Final = 1000
"""Receipts kept for a socket that is slow."""

_MEMBERSHIP: Final = ("conversation-added", "conversation-removed")
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

    __slots__ = ("_latest", "conversations", "direct", "held", "outlet", "user_id")

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.user_id = ""
        self.conversations: set[str] = set()
        self.held: list[tuple[Change, bytes]] | None = []
        self.direct: Callable[[bytes], None] | None = None
        """Writes frames at once. None when each has to be looked at."""
        self._latest: dict[tuple[str, str, str], bytes] | None = None

    def overflow(self) -> None:
        """More waits than may."""
        raise NotImplementedError

    def hand(self, change: Change, frame: bytes) -> None:
        """Takes a change: to write it, to keep it, or to leave it out when it is of the moment and there is no room."""
        if self.held is not None:
            if len(self.held) < MAX_HELD:
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
        self.held, self.direct = [], None

    def settle(self) -> None:
        """How the socket can be written to has changed."""
        self.direct = self.outlet.write_directly if self.held is None else None
        if self._latest is not None and self.direct is not None:
            latest, self._latest = self._latest, None
            for frame in latest.values():
                self.outlet.write(frame)

    def _shed(self, change: Change, frame: bytes) -> None:
        """Of receipts the newest one counts, which is told later. Typing will be over by then."""
        if change.type in _RECEIPTS:
            latest = self._latest = self._latest or {}
            key = (change.type, change.conversation_id, change.data.receipt.user_id)
            if key in latest or len(latest) < MAX_LATEST:
                latest[key] = frame


class Fanout:
    """Routes every event once to each receiver it is for, in order, dropping what was handed on before."""

    def __init__(self, encoder: Encoder, deliveries: Counter) -> None:
        self._encode = encoder.of(Change.DESCRIPTOR)
        self._deliveries = deliveries
        self._by_conversation: dict[str, dict[Receiver, None]] = defaultdict(dict)
        self._by_user: dict[str, dict[Receiver, None]] = defaultdict(dict)
        self._heads: dict[str, int] = {}
        """Where each conversation, and each user's own log, stands here."""

    def join(self, receiver: Receiver, attached: Attached) -> None:
        """The receiver's user is known: it gets what happens in these conversations from now on."""
        receiver.user_id = attached.user_id
        self._by_user[attached.user_id][receiver] = None
        self._advance(attached.user_id, attached.user_pos)
        for conversation_id in receiver.conversations - set(attached.positions):
            self._leave_conversation(receiver, conversation_id)
        for conversation_id, pos in attached.positions.items():
            self._join_conversation(receiver, conversation_id)
            self._advance(conversation_id, pos)

    def leave(self, receiver: Receiver) -> None:
        """Forgets a receiver."""
        for conversation_id in list(receiver.conversations):
            self._leave_conversation(receiver, conversation_id)
        if _discard(self._by_user, receiver.user_id, receiver):
            self._heads.pop(receiver.user_id, None)

    def place(self, receiver: Receiver) -> tuple[int, dict[str, int]]:
        """Up to where everything was handed to the receiver: `user_pos` and positions."""
        positions = {conversation_id: self._heads[conversation_id] for conversation_id in receiver.conversations}
        return self._heads.get(receiver.user_id, 0), positions

    def apply(self, events: Iterable[RelayEvent]) -> None:
        """Hands events on. Those of one conversation reach a socket in one piece."""
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
        if conversation_id in self._by_conversation and (not change.pos or self._advance(conversation_id, change.pos)):
            shared.setdefault(conversation_id, []).append((change, self.frame(change)))

    def _share(self, shared: Shared) -> None:
        for conversation_id, items in shared.items():
            receivers = self._by_conversation.get(conversation_id, {})
            frames = b"".join([frame for _, frame in items]) if len(items) > 1 else items[0][1]
            for receiver in receivers:
                if receiver.direct is not None:
                    receiver.direct(frames)
                else:
                    for change, frame in items:
                        receiver.hand(change, frame)
            self._deliveries.inc(len(receivers) * len(items))
        shared.clear()

    def _tell_user(self, event: RelayEvent) -> None:
        receivers, change = list(self._by_user.get(event.user_id, ())), event.change
        for receiver in receivers:
            self._follow_membership(receiver, change)
        if receivers and (not change.user_pos or self._advance(event.user_id, change.user_pos)):
            self._tell(receivers, change)

    def _tell_others(self, event: RelayEvent) -> None:
        receivers = self._by_conversation.get(event.change.conversation_id, ())
        if others := [receiver for receiver in receivers if receiver.user_id != event.except_user_id]:
            self._tell(others, event.change)

    def _tell(self, receivers: list[Receiver], change: Change) -> None:
        frame = self.frame(change)
        for receiver in receivers:
            receiver.hand(change, frame)
        self._deliveries.inc(len(receivers))

    def _follow_membership(self, receiver: Receiver, change: Change) -> None:
        if change.type == "conversation-added":
            self._join_conversation(receiver, change.conversation_id)
            self._heads.setdefault(change.conversation_id, 0)
        elif change.type == "conversation-removed":
            self._leave_conversation(receiver, change.conversation_id)

    def _advance(self, log: str, number: int) -> bool:
        """Moves a log's head on; False when it was there already."""
        if number <= self._heads.get(log, -1):
            return False
        self._heads[log] = number
        return True

    def _join_conversation(self, receiver: Receiver, conversation_id: str) -> None:
        receiver.conversations.add(conversation_id)
        self._by_conversation[conversation_id][receiver] = None

    def _leave_conversation(self, receiver: Receiver, conversation_id: str) -> None:
        receiver.conversations.discard(conversation_id)
        if _discard(self._by_conversation, conversation_id, receiver):
            self._heads.pop(conversation_id, None)


def _discard(groups: dict[str, dict[Receiver, None]], key: str, receiver: Receiver) -> bool:
    """Takes a receiver out of a group; True when it was the last."""
    group = groups.get(key)
    if group is None:
        return False
    group.pop(receiver, None)
    if not group:
        del groups[key]
    return not group

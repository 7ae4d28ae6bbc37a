"""From events to sockets: who of this process is in which conversation, and one encoded frame for all of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import orjson
from engineio.packet import MESSAGE, Packet
from prometheus_client import Counter

from chat.message.v1.change_pb2 import Change
from chat.message.v1.feed_service_pb2 import Attached, RelayEvent
from facade.translate import Encoder

MAX_HELD = 1000
"""Changes kept for a socket while it is told what it missed."""


class Receiver:
    """One socket as the fan-out sees it. While `held` is a list, changes wait there instead of being written."""

    __slots__ = ("conversations", "held", "overflow", "user_id", "write")

    def __init__(self, write: Callable[[Packet], None], overflow: Callable[[], None]) -> None:
        self.user_id = ""
        self.conversations: set[str] = set()
        self.held: list[tuple[Change, Packet]] | None = []
        self.write = write
        self.overflow = overflow

    def hand(self, change: Change, packet: Packet) -> None:
        if self.held is None:
            self.write(packet)
        elif len(self.held) < MAX_HELD:
            self.held.append((change, packet))
        else:
            self.overflow()

    def release(self, user_pos: int, positions: dict[str, int]) -> None:
        """Writes what waited and lies after the given place; from now on everything is written at once."""
        held, self.held = self.held or [], None
        for change, packet in held:
            seen = (
                change.user_pos <= user_pos
                if change.user_pos
                else change.pos <= positions.get(change.conversation_id, 0)
            )
            if not seen or not (change.user_pos or change.pos):
                self.write(packet)


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
        """Hands events on."""
        for event in events:
            change = event.change
            if event.user_id:
                receivers = list(self._by_user.get(event.user_id, ()))
                self._follow_membership(receivers, change)
            else:
                receivers = list(self._by_conversation.get(change.conversation_id, ()))
            log, number = (event.user_id, change.user_pos) if event.user_id else (change.conversation_id, change.pos)
            if not receivers or (number and not self._advance(log, number)):
                continue
            packet = self.packet(change)
            for receiver in receivers:
                if receiver.user_id != event.except_user_id:
                    receiver.hand(change, packet)
            self._deliveries.inc(len(receivers))

    def packet(self, change: Change) -> Packet:
        """The Socket.IO frame of a change, encoded once for all who get it."""
        return event_packet(change.type, self._encode(change))

    def _follow_membership(self, receivers: list[Receiver], change: Change) -> None:
        for receiver in receivers:
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


def event_packet(event: str, data: object) -> Packet:
    """An event of the default namespace."""
    return Packet(MESSAGE, "2" + orjson.dumps([event, data]).decode())


def _discard(groups: dict[str, dict[Receiver, None]], key: str, receiver: Receiver) -> bool:
    """Takes a receiver out of a group; True when it was the last."""
    group = groups.get(key)
    if group is None:
        return False
    group.pop(receiver, None)
    if not group:
        del groups[key]
    return not group

"""From events to sockets."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from chat.message.v1.change_pb2 import Change, ChangeData, Receipt
from chat.message.v1.feed_service_pb2 import Attached, RelayEvent
from facade.engine import websocket
from facade.engine.packets import event_frame
from facade.fanout import MAX_HELD, MAX_LATEST, Fanout, Receiver
from facade.translate import Encoder
from mesh.telemetry.metrics import Metrics


class Outlet:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.is_congested = False

    @property
    def write_directly(self) -> Callable[[bytes], None] | None:
        return None if self.is_congested else self.got.append

    def write(self, frames: bytes) -> None:
        self.got.append(frames)


class Socket(Receiver):
    """A receiver that keeps what it got."""

    __slots__ = ("out", "overflown")

    def __init__(self) -> None:
        self.out = Outlet()
        self.overflown = 0
        super().__init__(self.out)

    @property
    def got(self) -> list[bytes]:
        return self.out.got

    def overflow(self) -> None:
        self.overflown += 1

    def congest(self, is_congested: bool) -> None:
        self.out.is_congested = is_congested
        self.settle()

    def read(self) -> list[tuple[str, Any]]:
        """What was written, as (event, place)."""
        found = []
        for payload in (payload for frames in self.got for payload in websocket.payloads(frames)):
            event, data = orjson.loads(payload[2:])
            found.append((event, data["user_pos"] or data["pos"]))
        self.got.clear()
        return found


@pytest.fixture
def fanout() -> Fanout:
    return Fanout(Encoder(), Metrics(CollectorRegistry()).deliveries)


def joined(fanout: Fanout, user: str, **positions: int) -> Socket:
    socket = Socket()
    fanout.join(socket, Attached(user_id=user, positions=positions))
    socket.release(0, dict(positions))
    return socket


def event(conversation: str, pos: int, **more: Any) -> RelayEvent:
    change = Change(type="message-new", conversation_id=conversation, pos=pos)
    return RelayEvent(change=change, **more)


def test_an_event_reaches_the_members_and_nobody_else(fanout: Fanout) -> None:
    """Interest is by conversation, and one frame serves all."""
    alice, bob, eve = joined(fanout, "alice", c=0), joined(fanout, "bob", c=0), joined(fanout, "eve", d=0)
    fanout.apply([event("c", 1)])
    assert alice.got[0] is bob.got[0]
    assert alice.read() == bob.read() == [("message-new", 1)]
    assert eve.read() == []


def test_what_was_handed_on_is_not_repeated(fanout: Fanout) -> None:
    """A change at or below the known place is dropped."""
    alice = joined(fanout, "alice", c=4)
    fanout.apply([event("c", 4), event("c", 5), event("c", 5), event("c", 6)])
    assert [pos for _, pos in alice.read()] == [5, 6]


def test_somebody_can_be_left_out(fanout: Fanout) -> None:
    """Who types does not hear that they type."""
    alice, bob = joined(fanout, "alice", c=0), joined(fanout, "bob", c=0)
    typing = RelayEvent(change=Change(type="typing", conversation_id="c"), except_user_id="alice")
    fanout.apply([typing, typing])
    assert alice.read() == []
    assert bob.read() == [("typing", 0), ("typing", 0)]


def test_own_logs_reach_all_devices_of_one_user(fanout: Fanout) -> None:
    """A user's log is theirs alone, and has its own numbers."""
    phone, laptop, bob = joined(fanout, "alice", c=0), joined(fanout, "alice", c=0), joined(fanout, "bob", c=0)
    own = RelayEvent(change=Change(type="unread-updated", conversation_id="c", user_pos=3), user_id="alice")
    fanout.apply([own, own])
    assert phone.read() == laptop.read() == [("unread-updated", 3)]
    assert bob.read() == []


def test_membership_follows_the_users_log(fanout: Fanout) -> None:
    """Added: the conversation's changes come. Removed: they end."""
    alice = joined(fanout, "alice")
    added = Change(type="conversation-added", conversation_id="c", user_pos=1)
    removed = Change(type="conversation-removed", conversation_id="c", user_pos=2)
    fanout.apply([RelayEvent(change=added, user_id="alice"), event("c", 7)])
    fanout.apply([RelayEvent(change=removed, user_id="alice"), event("c", 8)])
    assert alice.read() == [("conversation-added", 1), ("message-new", 7), ("conversation-removed", 2)]


def test_what_happens_during_a_replay_waits_and_is_not_doubled(fanout: Fanout) -> None:
    """Held changes come after the replay, without those that it contained."""
    alice = Socket()
    fanout.join(alice, Attached(user_id="alice", positions={"c": 2}))
    fanout.apply([event("c", 3), event("c", 4), event("c", 5)])
    typing = RelayEvent(change=Change(type="typing", conversation_id="c"))
    own = Change(type="unread-updated", user_pos=9)
    fanout.apply([typing, RelayEvent(change=own, user_id="alice")])
    assert alice.read() == []
    alice.release(9, {"c": 4})
    assert alice.read() == [("message-new", 5), ("typing", 0)]


def test_a_replay_that_takes_too_long_ends_the_socket(fanout: Fanout) -> None:
    """What is held is bounded."""
    alice = Socket()
    fanout.join(alice, Attached(user_id="alice", positions={"c": 0}))
    fanout.apply([event("c", pos) for pos in range(1, MAX_HELD + 2)])
    assert alice.overflown == 1


def test_the_place_of_a_receiver(fanout: Fanout) -> None:
    """Where everything was handed on up to, for coming back."""
    alice = joined(fanout, "alice", c=1, d=5)
    fanout.apply([event("c", 2), RelayEvent(change=Change(user_pos=4), user_id="alice")])
    assert fanout.place(alice) == (4, {"c": 2, "d": 5})


def test_joining_again_forgets_what_is_over(fanout: Fanout) -> None:
    """After a broken stream the new list of conversations holds."""
    alice = joined(fanout, "alice", c=1, d=5)
    fanout.join(alice, Attached(user_id="alice", positions={"d": 6, "e": 1}))
    assert alice.conversations == {"d", "e"}
    fanout.apply([event("c", 2), event("d", 6), event("e", 2)])
    assert alice.read() == [("message-new", 2)]


def test_who_left_gets_nothing_and_leaves_nothing(fanout: Fanout) -> None:
    """A closed socket is forgotten, its conversations too when nobody else is in them."""
    alice = joined(fanout, "alice", c=1)
    fanout.leave(alice)
    fanout.leave(alice)
    fanout.apply([event("c", 2)])
    assert alice.read() == []
    assert fanout.place(alice) == (0, {})


def test_changes_of_one_conversation_reach_a_socket_in_one_piece(fanout: Fanout) -> None:
    """Whatever comes between them; each conversation keeps its order."""
    alice, bob = joined(fanout, "alice", c=0, d=0), joined(fanout, "bob", c=0)
    fanout.apply([event("c", 1), event("d", 1), event("c", 2)])
    assert len(bob.got) == 1
    assert alice.got[0] is bob.got[0]
    assert bob.read() == [("message-new", 1), ("message-new", 2)]
    assert len(alice.got) == 2


def receipt(reader: str, seq: int) -> RelayEvent:
    data = ChangeData(receipt=Receipt(user_id=reader, last_read_seq=seq))
    return RelayEvent(change=Change(type="receipt-read", conversation_id="c", data=data))


def test_a_slow_socket_is_spared_what_can_be_left_out(fanout: Fanout) -> None:
    """Typing is not told at all, receipts later and the newest only; changes are."""
    alice = joined(fanout, "alice", c=0)
    alice.congest(True)
    typing = RelayEvent(change=Change(type="typing", conversation_id="c"), except_user_id="bob")
    fanout.apply([typing, receipt("bob", 1), event("c", 1), receipt("bob", 2), receipt("eve", 1)])
    assert alice.read() == [("message-new", 1)]
    alice.congest(False)
    told = [orjson.loads(payload[2:])[1] for frames in alice.got for payload in websocket.payloads(frames)]
    assert [data["data"]["receipt"]["last_read_seq"] for data in told] == [2, 1]
    alice.got.clear()
    fanout.apply([typing])
    assert alice.read() == [("typing", 0)]


def test_what_is_kept_for_a_slow_socket_is_bounded(fanout: Fanout) -> None:
    """By the number of receipts."""
    alice = joined(fanout, "alice", c=0)
    alice.congest(True)
    fanout.apply([receipt(f"reader {number}", 1) for number in range(MAX_LATEST + 10)])
    alice.congest(False)
    assert len(alice.got) == MAX_LATEST


def test_the_frame_of_an_event() -> None:
    """Text of a Socket.IO event in the default namespace."""
    assert websocket.payloads(event_frame("hello", {"a": 1})) == [b'42["hello",{"a":1}]']

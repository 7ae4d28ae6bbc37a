"""From events to sockets."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from chat.message.v1.change_pb2 import Change, ChangeData, Receipt
from chat.message.v1.feed_service_pb2 import Attached, RelayEvent
from facade.engine import websocket
from facade.engine.packets import event_frame
from facade.fanout import MAX_HELD, MAX_HELD_BYTES, MAX_LATEST, Fanout, Receiver
from facade.order import Order
from facade.ring import Ring
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

    __slots__ = ("missed", "out", "overflown")

    def __init__(self) -> None:
        self.out = Outlet()
        self.overflown = self.missed = 0
        super().__init__(self.out)

    @property
    def got(self) -> list[bytes]:
        return self.out.got

    def overflow(self) -> None:
        self.overflown += 1

    def miss(self) -> None:
        self.missed += 1

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


class Desk(Fanout):
    """A fan-out that is told things in any order."""

    def __init__(self) -> None:
        self.order, self.ring = Order(), Ring()
        super().__init__(Encoder(), Metrics(CollectorRegistry()).deliveries, self.order, self.ring)

    def tell(self, events: Sequence[RelayEvent]) -> None:
        self.apply(self.order.take(events))


@pytest.fixture
def fanout() -> Desk:
    return Desk()


def joined(fanout: Desk, user: str, **positions: int) -> Socket:
    socket = Socket()
    fanout.join(socket, Attached(user_id=user, positions=positions))
    socket.release(0, dict(positions))
    return socket


def event(conversation: str, pos: int, **more: Any) -> RelayEvent:
    change = Change(type="message-new", conversation_id=conversation, pos=pos)
    return RelayEvent(change=change, **more)


def test_an_event_reaches_the_members_and_nobody_else(fanout: Desk) -> None:
    """Interest is by conversation, and one frame serves all."""
    alice, bob, eve = joined(fanout, "alice", c=0), joined(fanout, "bob", c=0), joined(fanout, "eve", d=0)
    fanout.tell([event("c", 1)])
    assert alice.got[0] is bob.got[0]
    assert alice.read() == bob.read() == [("message-new", 1)]
    assert eve.read() == []


def test_what_was_handed_on_is_not_repeated(fanout: Desk) -> None:
    """A change at or below the known place is dropped."""
    alice = joined(fanout, "alice", c=4)
    fanout.tell([event("c", 4), event("c", 5), event("c", 5), event("c", 6)])
    assert [pos for _, pos in alice.read()] == [5, 6]


def test_somebody_can_be_left_out(fanout: Desk) -> None:
    """Who types does not hear that they type."""
    alice, bob = joined(fanout, "alice", c=0), joined(fanout, "bob", c=0)
    typing = RelayEvent(change=Change(type="typing", conversation_id="c"), except_user_id="alice")
    fanout.tell([typing, typing])
    assert alice.read() == []
    assert bob.read() == [("typing", 0), ("typing", 0)]


def test_own_logs_reach_all_devices_of_one_user(fanout: Desk) -> None:
    """A user's log is theirs alone, and has its own numbers."""
    phone, laptop, bob = joined(fanout, "alice", c=0), joined(fanout, "alice", c=0), joined(fanout, "bob", c=0)
    own = RelayEvent(change=Change(type="unread-updated", conversation_id="c", user_pos=1), user_id="alice")
    fanout.tell([own, own])
    assert phone.read() == laptop.read() == [("unread-updated", 1)]
    assert bob.read() == []


def test_membership_follows_the_users_log(fanout: Desk) -> None:
    """Added: the conversation's changes come. Removed: they end."""
    alice = joined(fanout, "alice")
    added = Change(type="conversation-added", conversation_id="c", user_pos=1)
    added.data.conversation.last_pos = 6
    removed = Change(type="conversation-removed", conversation_id="c", user_pos=2)
    fanout.tell([RelayEvent(change=added, user_id="alice"), event("c", 7)])
    fanout.tell([RelayEvent(change=removed, user_id="alice"), event("c", 8)])
    assert alice.read() == [("conversation-added", 1), ("message-new", 7), ("conversation-removed", 2)]


def test_what_happens_during_a_replay_waits_and_is_not_doubled(fanout: Desk) -> None:
    """Held changes come after the replay, without those that it contained."""
    alice = Socket()
    fanout.join(alice, Attached(user_id="alice", positions={"c": 2}))
    fanout.tell([event("c", 3), event("c", 4), event("c", 5)])
    typing = RelayEvent(change=Change(type="typing", conversation_id="c"))
    own = Change(type="unread-updated", user_pos=1)
    fanout.tell([typing, RelayEvent(change=own, user_id="alice")])
    assert alice.read() == []
    alice.release(1, {"c": 4})
    assert alice.read() == [("message-new", 5), ("typing", 0)]


def test_a_replay_that_takes_too_long_ends_the_socket(fanout: Desk) -> None:
    """What is held is bounded."""
    alice = Socket()
    fanout.join(alice, Attached(user_id="alice", positions={"c": 0}))
    fanout.tell([event("c", pos) for pos in range(1, MAX_HELD + 2)])
    assert alice.overflown == 1


def test_what_is_held_is_bounded_in_bytes_too(fanout: Desk) -> None:
    """Large changes end a socket sooner, that of who is told at once do not; what was held before is forgotten."""
    alice, bob = Socket(), joined(fanout, "bob", c=0)
    fanout.join(alice, Attached(user_id="alice", positions={"c": 0}))
    large = [event("c", pos) for pos in range(1, 8)]
    for one in large:
        one.change.data.message.text = "x" * (MAX_HELD_BYTES * 3 // 10)
    fanout.tell(large[:3])
    assert (alice.overflown, bob.overflown) == (0, 0)
    alice.hold()
    fanout.tell(large[3:6])
    assert alice.overflown == 0
    fanout.tell(large[6:])
    assert (alice.overflown, bob.overflown) == (1, 0)
    assert len(bob.read()) == 7


def test_the_place_of_a_receiver(fanout: Desk) -> None:
    """Where everything was handed on up to, for coming back."""
    alice = joined(fanout, "alice", c=1, d=5)
    fanout.tell([event("c", 2), RelayEvent(change=Change(user_pos=1), user_id="alice")])
    assert fanout.place(alice) == (1, {"c": 2, "d": 5})


def test_joining_again_forgets_what_is_over(fanout: Desk) -> None:
    """After a broken stream the new list of conversations holds, and what is before its places is told by a replay."""
    alice = joined(fanout, "alice", c=1, d=5)
    fanout.join(alice, Attached(user_id="alice", positions={"d": 6, "e": 1}))
    assert alice.conversations == {"d", "e"}
    fanout.tell([event("c", 2), event("d", 6), event("e", 2), event("d", 7)])
    assert sorted(alice.read()) == [("message-new", 2), ("message-new", 7)]


def test_a_socket_begins_where_others_are(fanout: Desk) -> None:
    """Who knows less is told where that is; who knows more is not told it again."""
    joined(fanout, "bob", c=5)
    late, early = Attached(user_id="alice", positions={"c": 3}), Attached(user_id="eve", positions={"c": 7})
    alice, eve = Socket(), Socket()
    fanout.join(alice, late)
    fanout.join(eve, early)
    assert (dict(late.positions), dict(early.positions)) == ({"c": 5}, {"c": 7})
    alice.release(0, {"c": 5})
    eve.release(0, {"c": 7})
    fanout.tell([event("c", pos) for pos in (6, 7, 8)])
    fanout.tell([event("c", 9)])
    assert [pos for _, pos in alice.read()] == [6, 7, 8, 9]
    assert [pos for _, pos in eve.read()] == [8, 9]
    assert eve.direct is not None


def test_a_list_that_is_older_than_what_is_known_here_is_not_believed(fanout: Desk) -> None:
    """Another instance has told already that the user is in one more conversation."""
    added = Change(type="conversation-added", conversation_id="c", user_pos=1)
    phone, laptop, late = joined(fanout, "alice"), Socket(), Attached(user_id="alice", positions={"old": 1})
    fanout.tell([RelayEvent(change=added, user_id="alice")])
    fanout.join(laptop, late)
    assert laptop.conversations == phone.conversations == {"c"}
    assert (late.user_pos, dict(late.positions)) == (1, {"c": 0})


def test_a_replay_may_tell_more_than_has_come(fanout: Desk) -> None:
    """It reads what is stored; what comes then is not told again."""
    alice = joined(fanout, "alice", c=1)
    alice.hold()
    fanout.tell([event("c", 2)])
    fanout.reach(alice, 0, {"c": 3, "no longer": 7})
    alice.release(0, {"c": 3})
    fanout.tell([event("c", 3), event("c", 4)])
    assert alice.read() == [("message-new", 4)]


def test_who_joins_too_late_misses_something(fanout: Desk) -> None:
    """What others of the conversation were told before: it has to come back. Who is in time is told the rest."""
    alice, bob, eve = joined(fanout, "alice"), joined(fanout, "bob", c=7), joined(fanout, "eve")
    added = Change(type="conversation-added", conversation_id="c", user_pos=1)
    added.data.conversation.last_pos = 6
    fanout.tell([RelayEvent(change=added, user_id="alice")])
    added.data.conversation.last_pos = 8
    fanout.tell([RelayEvent(change=added, user_id="eve"), event("c", 8), event("c", 9)])
    assert (alice.missed, bob.missed, eve.missed) == (1, 0, 0)
    assert [pos for _, pos in eve.read()] == [1, 9]


def test_who_is_removed_hears_nothing_more(fanout: Desk) -> None:
    """Not even what waited for the removal, and came from elsewhere."""
    alice, bob = joined(fanout, "alice", c=0), joined(fanout, "bob", c=0)
    removed = RelayEvent(change=Change(type="member-removed", conversation_id="c", pos=1), except_user_id="alice")
    fanout.tell([event("c", 2)])
    fanout.tell([removed])
    assert alice.read() == []
    assert [pos for _, pos in bob.read()] == [1, 2]


def test_who_left_gets_nothing_and_leaves_nothing(fanout: Desk) -> None:
    """A closed socket is forgotten, its conversations too when nobody else is in them."""
    alice = joined(fanout, "alice", c=1)
    fanout.leave(alice)
    fanout.leave(alice)
    fanout.tell([event("c", 2)])
    assert alice.read() == []
    assert fanout.place(alice) == (0, {})


def test_changes_of_one_conversation_reach_a_socket_in_one_piece(fanout: Desk) -> None:
    """Whatever comes between them; each conversation keeps its order."""
    alice, bob = joined(fanout, "alice", c=0, d=0), joined(fanout, "bob", c=0)
    fanout.tell([event("c", 1), event("d", 1), event("c", 2)])
    assert len(bob.got) == 1
    assert alice.got[0] is bob.got[0]
    assert bob.read() == [("message-new", 1), ("message-new", 2)]
    assert len(alice.got) == 2


def receipt(reader: str, seq: int) -> RelayEvent:
    data = ChangeData(receipt=Receipt(user_id=reader, last_read_seq=seq))
    return RelayEvent(change=Change(type="receipt-read", conversation_id="c", data=data))


def test_a_slow_socket_is_spared_what_can_be_left_out(fanout: Desk) -> None:
    """Typing is not told at all, receipts later and the newest only; changes are."""
    alice = joined(fanout, "alice", c=0)
    alice.congest(True)
    typing = RelayEvent(change=Change(type="typing", conversation_id="c"), except_user_id="bob")
    fanout.tell([typing, receipt("bob", 1), event("c", 1), receipt("bob", 2), receipt("eve", 1)])
    assert alice.read() == [("message-new", 1)]
    alice.congest(False)
    told = [orjson.loads(payload[2:])[1] for frames in alice.got for payload in websocket.payloads(frames)]
    assert [data["data"]["receipt"]["last_read_seq"] for data in told] == [2, 1]
    alice.got.clear()
    fanout.tell([typing])
    assert alice.read() == [("typing", 0)]


def test_frames_are_kept_by_log_and_number(fanout: Desk) -> None:
    """But not that somebody was added or removed: what follows from that is for the store to say."""
    joined(fanout, "alice", c=0)
    own = [
        RelayEvent(change=Change(type=kind, conversation_id="d", user_pos=pos), user_id="alice")
        for pos, kind in enumerate(("unread-updated", "conversation-added", "draft-updated"), 1)
    ]
    fanout.tell([event("c", 1), event("c", 2), *own])
    assert [len(fanout.ring.between("c", after, 2) or []) for after in (0, 1)] == [2, 1]
    assert fanout.ring.between("alice", 0, 1) is None
    assert fanout.ring.between("alice", 1, 3) is None
    assert len(fanout.ring.between("alice", 2, 3) or []) == 1


def test_a_broken_socket_keeps_nothing_from_the_others(fanout: Desk) -> None:
    """Nor does it end the stream that brought the change."""
    broken, bob = joined(fanout, "alice", c=0), joined(fanout, "bob", c=0)

    def fail(_: bytes) -> None:
        raise RuntimeError("the handle is closed")

    broken.direct = fail
    fanout.apply([event("c", 1)])
    assert bob.read() == [("message-new", 1)]


def test_what_is_kept_for_a_slow_socket_is_bounded(fanout: Desk) -> None:
    """By the number of receipts."""
    alice = joined(fanout, "alice", c=0)
    alice.congest(True)
    fanout.tell([receipt(f"reader {number}", 1) for number in range(MAX_LATEST + 10)])
    alice.congest(False)
    assert len(alice.got) == MAX_LATEST


def test_the_frame_of_an_event() -> None:
    """Text of a Socket.IO event in the default namespace."""
    assert websocket.payloads(event_frame("hello", {"a": 1})) == [b'42["hello",{"a":1}]']

"""Which sockets are told of whom."""

from typing import Any

import orjson

from chat.presence.v1 import presence_pb2 as pb
from chat.presence.v1.presence_service_pb2 import PresenceDelta
from facade.presence.audience import MAX_WATCHED, Audience, User
from facade.translate import Encoder

ONLINE, AWAY, OFFLINE = pb.PRESENCE_STATE_ONLINE, pb.PRESENCE_STATE_AWAY, pb.PRESENCE_STATE_OFFLINE


class Socket:
    """Keeps what it got."""

    def __init__(self, user_id: str, workspace_id: str = "acme") -> None:
        self.sid = self.session_id = f"socket of {user_id}"
        self.user_id, self.workspace_id = user_id, workspace_id
        self.is_congested = False
        self.got: list[bytes] = []

    def write(self, frame: bytes) -> None:
        self.got.append(frame)

    def read(self) -> list[tuple[str, Any]]:
        """What was written: each event with the state it tells, or whom it is about."""
        events = [orjson.loads(line) for frame in self.got for line in frame.splitlines()]
        self.got.clear()
        return [(name, data.get("state", data["user_id"])) for name, data in events]


class World:
    def __init__(self) -> None:
        self.interest: list[tuple[User, bool]] = []
        self.audience = Audience(
            Encoder().of(pb.Presence.DESCRIPTOR),
            lambda event, data: orjson.dumps([event, data]) + b"\n",
            lambda user, wanted: self.interest.append((user, wanted)),
            now=lambda: "now",
        )

    def tell(self, user_id: str, state: pb.PresenceState.ValueType, workspace_id: str = "acme", **more: Any) -> None:
        presence = pb.Presence(user_id=user_id, state=state)
        own = pb.Presence(user_id=user_id, state=state, devices=1)
        self.audience.tell([PresenceDelta(workspace_id=workspace_id, presence=presence, own=own, **more)])


def test_each_socket_hears_of_whom_it_asked_for() -> None:
    """And of nobody with the same id in another workspace."""
    world, first, second, stranger = World(), Socket("x"), Socket("y"), Socket("z", "other")
    world.audience.add(first, ["anna", "bela"])
    world.audience.add(second, ["anna"])
    world.audience.add(stranger, ["anna"])
    world.tell("anna", ONLINE, came_online=True)
    world.tell("bela", AWAY)
    world.tell("cleo", ONLINE)
    assert first.read() == [("presence-update", "online"), ("user-online", "anna"), ("presence-update", "away")]
    assert second.read() == [("presence-update", "online"), ("user-online", "anna")]
    assert stranger.read() == []


def test_all_who_see_the_same_get_the_same_bytes() -> None:
    """Encoded once; what is one's own is told to nobody else."""
    world, first, second, own = World(), Socket("x"), Socket("y"), Socket("anna")
    for socket in (first, second, own):
        world.audience.add(socket, ["anna"])
    world.tell("anna", ONLINE)
    assert first.got[0] is second.got[0]
    _, shown = orjson.loads(first.got[0])
    _, seen = orjson.loads(own.got[0])
    fields = {"user_id", "state", "last_seen", "message", "emoji", "expires_at", "ts"}
    assert (shown.keys(), seen.keys()) == (fields, fields | {"devices", "status"})
    assert seen["devices"] == 1


def test_the_first_who_asks_and_the_last_who_does_not_any_more_are_told_on() -> None:
    """However many there are in between, and however often each asks."""
    world, first, second = World(), Socket("x"), Socket("y")
    world.audience.add(first, ["anna"])
    world.audience.add(first, ["anna"])
    world.audience.add(second, ["anna"])
    world.audience.remove(first, ["anna"], [])
    world.audience.remove(first, ["anna", "nobody"], ["nowhere"])
    assert world.interest == [(("acme", "anna"), True)]
    world.audience.leave(second)
    world.audience.leave(second)
    assert world.interest == [(("acme", "anna"), True), (("acme", "anna"), False)]
    assert not world.audience.users


def test_members_are_heard_of_as_long_as_a_conversation_is_asked_for() -> None:
    """Whoever is in another one too, or was asked for alone, is so for longer."""
    world, socket = World(), Socket("x")
    world.audience.add_members(socket, "group", ["anna", "bela", "cleo"])
    world.audience.add_members(socket, "other", ["bela"])
    world.audience.add(socket, ["cleo"])
    world.audience.remove(socket, [], ["group"])
    assert world.interest[-1] == (("acme", "anna"), False)
    assert set(world.audience.users) == {("acme", "bela"), ("acme", "cleo")}
    world.audience.add_members(socket, "other", ["dora"])
    assert set(world.audience.users) == {("acme", "cleo"), ("acme", "dora")}


def test_what_a_socket_was_answered_is_no_news_to_it() -> None:
    """Unless it was that nothing is known."""
    world, socket = World(), Socket("x")
    world.audience.add(socket, ["anna", "bela"])
    known = [pb.Presence(user_id="anna", state=ONLINE)]
    world.audience.know(socket, [*known, pb.Presence(user_id="bela", state=pb.PRESENCE_STATE_UNKNOWN)])
    world.tell("anna", ONLINE)
    world.tell("bela", ONLINE)
    world.tell("bela", ONLINE)
    assert socket.read() == [("presence-update", "online")]
    world.audience.know(socket, [pb.Presence(user_id="bela", state=pb.PRESENCE_STATE_UNKNOWN)])
    world.tell("bela", ONLINE)
    assert socket.read() == [("presence-update", "online")]


def test_who_has_no_room_is_told_how_it_is_later() -> None:
    """Once, whatever happened meanwhile."""
    world, socket = World(), Socket("x")
    world.audience.add(socket, ["anna", "bela"])
    socket.is_congested = True
    world.tell("anna", ONLINE, came_online=True)
    world.tell("anna", AWAY)
    world.tell("bela", ONLINE)
    world.audience.remove(socket, ["bela"], [])
    world.audience.catch_up()
    assert socket.read() == []
    socket.is_congested = False
    world.audience.catch_up()
    world.audience.catch_up()
    assert socket.read() == [("presence-update", "away")]


def test_room_is_what_a_socket_could_add() -> None:
    """Who is heard of already takes none."""
    world, socket = World(), Socket("x")
    assert world.audience.room(socket, []) == MAX_WATCHED
    world.audience.add(socket, [f"u{number}" for number in range(MAX_WATCHED - 1)])
    assert world.audience.room(socket, ["u0", "new"]) == 0
    assert world.audience.room(socket, ["new", "newer"]) == -1

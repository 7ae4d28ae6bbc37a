"""What is missing is read, by who may; what cannot be read is what clients come back for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.change_pb2 import Change
from chat.message.v1.feed_service_pb2_grpc import FeedServiceServicer, add_FeedServiceServicer_to_server
from facade.fanout import Fanout, Receiver
from facade.holes import MAX_FILLED, Holes
from facade.order import Order
from facade.ring import Ring
from facade.translate import Encoder
from mesh.background import background
from mesh.call.inprocess import InProcessServer
from mesh.call.interceptors import ErrorInterceptor
from mesh.errors import Unauthenticated, Unavailable
from mesh.events.backoff import Backoff
from mesh.telemetry.metrics import Metrics


class Logs(FeedServiceServicer):
    """Logs of numbers. Tokens are the names of users; only `readers` may read."""

    def __init__(self) -> None:
        self.positions: dict[str, int] = {}
        self.user_positions: dict[str, int] = {}
        self.readers = {"alice", "bob"}
        self.away = 0
        self.asked: list[tuple[str, int, dict[str, int]]] = []

    async def ComparePositions(self, request: pb.ComparePositionsRequest, context: Any) -> pb.ComparePositionsResponse:
        return pb.ComparePositionsResponse(
            positions={id_: self.positions[id_] for id_, pos in request.positions.items() if self.positions[id_] > pos},
            user_positions={
                id_: self.user_positions[id_]
                for id_, pos in request.user_positions.items()
                if self.user_positions.get(id_, 0) > pos
            },
        )

    async def Sync(self, request: pb.SyncRequest, context: Any) -> pb.SyncResponse:
        name = dict(context.invocation_metadata())["authorization"].removeprefix("Bearer ")
        self.asked.append((name, request.user_pos, dict(request.positions)))
        if self.away:
            self.away -= 1
            raise Unavailable("UNAVAILABLE", "Away.")
        if name not in self.readers:
            raise Unauthenticated("TOKEN_EXPIRED", "No.")
        events = [
            Change(type="message-new", conversation_id=id_, pos=number)
            for id_, pos in request.positions.items()
            for number in range(pos + 1, self.positions[id_] + 1)
        ]
        if request.user_pos:
            head = self.user_positions[name]
            events += [Change(type="unread-updated", user_pos=n) for n in range(request.user_pos + 1, head + 1)]
        return pb.SyncResponse(events=events[: request.limit], positions=self.positions)


class Socket(Receiver):
    """Keeps the places of what it was told."""

    __slots__ = ("missed", "name", "told")

    def __init__(self, name: str) -> None:
        super().__init__(self)  # type: ignore[arg-type]
        self.name, self.missed = name, False
        self.told: list[int] = []

    @property
    def token(self) -> str:
        return self.name

    def hand(self, change: Change, frame: bytes) -> None:
        self.told.append(change.pos or change.user_pos)

    def miss(self) -> None:
        self.missed = True


class Desk:
    def __init__(self, logs: Logs, holes: Holes, fanout: Fanout, order: Order) -> None:
        self.logs, self.holes, self.fanout, self.order = logs, holes, fanout, order

    def socket(self, name: str, user_pos: int = 0, **positions: int) -> Socket:
        socket = Socket(name)
        self.fanout.join(socket, pb.Attached(user_id=name, user_pos=user_pos, positions=positions))
        return socket

    def tell(self, *numbers: int) -> None:
        self.holes.take(
            [pb.RelayEvent(change=Change(type="message-new", conversation_id="c", pos=number)) for number in numbers]
        )


@asynccontextmanager
async def opened() -> AsyncIterator[Desk]:
    logs = Logs()  # type: ignore[abstract]
    server: Any = InProcessServer((ErrorInterceptor(),))
    add_FeedServiceServicer_to_server(logs, server)
    order = Order()
    fanout = Fanout(Encoder(), Metrics(CollectorRegistry()).deliveries, order, Ring())
    holes = Holes(order, fanout, server.channel(), wait_s=0.001, backoff=Backoff(0.001, 0.001))
    async with background(holes.run(), "holes"):
        yield Desk(logs, holes, fanout, order)
    await server.stop(0)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as made:
        yield made


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_hole_is_read_by_the_rights_of_a_member(desk: Desk) -> None:
    """What is missing, and what waited behind it, comes once and in order."""
    alice = desk.socket("alice", c=1)
    desk.logs.positions = {"c": 4}
    desk.tell(4)
    await until(lambda: alice.told == [2, 3, 4])
    assert desk.logs.asked == [("alice", 0, {"c": 1})]


async def test_what_comes_by_itself_is_not_read(desk: Desk) -> None:
    """A moment is given to it."""
    alice = desk.socket("alice", c=1)
    desk.tell(3)
    desk.tell(2)
    await asyncio.sleep(0.01)
    assert (alice.told, desk.logs.asked) == ([2, 3], [])


async def test_who_may_not_read_is_not_the_last_one(desk: Desk) -> None:
    """Another member is asked for it."""
    eve, bob = desk.socket("eve", c=0), desk.socket("bob", c=0)
    desk.logs.positions = {"c": 2}
    desk.tell(2)
    await until(lambda: bob.told == eve.told == [1, 2])
    assert [name for name, *_ in desk.logs.asked] == ["eve", "bob"]


async def test_what_nobody_may_read_ends_the_sockets(desk: Desk) -> None:
    """Their clients come back, each from its own place."""
    eve = desk.socket("eve", c=0)
    desk.logs.positions = {"c": 2}
    desk.tell(2)
    await until(lambda: eve.missed)
    assert (eve.told, desk.order.holes) == ([], {})


async def test_too_much_is_not_read(desk: Desk) -> None:
    """It would be for clients to read the conversation anew."""
    alice = desk.socket("alice", c=0)
    desk.logs.positions = {"c": MAX_FILLED + 2}
    desk.tell(MAX_FILLED + 2)
    await until(lambda: alice.missed)
    assert desk.logs.asked == []


async def test_a_service_that_is_away_is_waited_for(desk: Desk) -> None:
    """Nobody is cut for it."""
    alice = desk.socket("alice", c=0)
    desk.logs.positions, desk.logs.away = {"c": 2}, 3
    desk.tell(2)
    await until(lambda: alice.told == [1, 2])
    assert not alice.missed


async def test_more_than_a_page_is_read_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until all is there."""
    monkeypatch.setattr("facade.holes.PAGE", 3)
    alice = desk.socket("alice", c=0)
    desk.logs.positions = {"c": 8}
    desk.tell(8)
    await until(lambda: alice.told == list(range(1, 9)))


async def test_a_users_own_log_is_read_by_themselves(desk: Desk) -> None:
    """And tells of conversations of which more is missing then."""
    alice = desk.socket("alice", 3, c=1)
    desk.logs.positions, desk.logs.user_positions = {"c": 2}, {"alice": 5}
    desk.holes.stand(pb.Attached(user_id="alice", user_pos=5))
    await until(lambda: alice.told == [4, 5, 2])


async def test_logs_are_compared_when_an_instance_comes_or_goes(desk: Desk) -> None:
    """What its last words were is lost, but not what it has written."""
    alice = desk.socket("alice", 3, c=1)
    desk.logs.positions, desk.logs.user_positions = {"c": 2}, {"alice": 4}
    desk.holes.turn(2)
    await until(lambda: sorted(alice.told) == [2, 4])


async def test_an_attachment_elsewhere_tells_where_logs_stand(desk: Desk) -> None:
    """What was committed there before is not told by its stream."""
    alice = desk.socket("alice", c=1)
    desk.logs.positions = {"c": 3}
    desk.holes.stand(pb.Attached(user_id="alice", positions={"c": 3, "unknown": 9}))
    await until(lambda: alice.told == [2, 3])


async def test_many_logs_are_compared_in_slices(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of bounded size."""
    monkeypatch.setattr("facade.holes.COMPARED_AT_ONCE", 2)
    alice = desk.socket("alice", **dict.fromkeys("abcde", 0))
    desk.logs.positions = dict.fromkeys("abcde", 1)
    await desk.holes.compare()
    assert sorted(desk.order.missing()) == list("abcde")
    await until(lambda: alice.told == [1] * 5)

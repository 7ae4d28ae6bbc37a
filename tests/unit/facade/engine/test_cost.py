"""What a delivered frame costs beyond the bytes: no task, no timer, and one system call at most."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from chat.message.v1.change_pb2 import Change
from chat.message.v1.feed_service_pb2 import Attached, RelayEvent
from facade.engine.connection import Connection
from facade.engine.server import Server
from facade.engine.socket import Socket
from facade.fanout import Fanout
from facade.order import Order
from facade.ring import Ring
from facade.session import Session
from facade.translate import Encoder
from mesh.telemetry.metrics import Metrics
from tests.unit.facade.engine.transport import Transport

MEMBERS, CHANGES = 100, 50


class Loop(asyncio.SelectorEventLoop):
    """Counts what is put off."""

    timers = 0
    soon = 0

    def call_at(self, *arguments: Any, **options: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        self.timers += 1
        return super().call_at(*arguments, **options)

    def call_soon(self, *arguments: Any, **options: Any) -> asyncio.Handle:  # type: ignore[override]
        self.soon += 1
        return super().call_soon(*arguments, **options)


class Handler:
    async def event(self, socket: Socket, name: str, arguments: list[Any]) -> Any:
        return None


class World:
    """Members of one conversation on open WebSockets."""

    def __init__(self) -> None:
        server = Server(Handler(), ping_interval=20, ping_timeout=10)
        self.order = Order()
        self.fanout = Fanout(Encoder(), Metrics(CollectorRegistry()).deliveries, self.order, Ring())
        self.transports = [self._join(server, number) for number in range(MEMBERS)]

    def _join(self, server: Server, number: int) -> Transport:
        socket, transport = Socket(server.eio, f"socket {number}"), Transport()
        socket.connection = Connection(transport, socket, set(), max_bytes=1000)
        socket.connected = socket.upgraded = True
        session = Session(f"session {number}", socket, lambda _: None, lambda _: None, address="")
        self.fanout.join(session, Attached(user_id=f"user {number}", positions={"c": 0}))
        session.release(0, {"c": 0})
        return transport

    def tell(self, *positions: int) -> None:
        changes = [Change(type="message-new", conversation_id="c", pos=pos) for pos in positions]
        self.fanout.apply(self.order.take([RelayEvent(change=change) for change in changes]))


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


def test_a_delivery_costs_no_task_no_timer_and_one_write(loop: Loop) -> None:
    """Counted over thousands; frames are written while they are handed on, and none waits for a turn of the loop."""
    tasks: list[object] = []

    def count(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
        tasks.append(work)
        return asyncio.Task(work, loop=loop, **options)

    async def main() -> tuple[World, int, int]:
        world = World()
        loop.set_task_factory(count)
        timers, soon = loop.timers, loop.soon
        for pos in range(1, CHANGES + 1):
            world.tell(pos)
        return world, loop.timers - timers, loop.soon - soon

    world, timers, soon = loop.run_until_complete(main())
    assert (len(tasks), timers, soon) == (0, 0, 0)
    assert {len(transport.written) for transport in world.transports} == {CHANGES}
    first = world.transports[0].written
    for transport in world.transports:
        assert all(one is other for one, other in zip(first, transport.written, strict=True))


def test_what_comes_at_once_leaves_at_once(loop: Loop) -> None:
    """Many changes of a conversation in one frame of the relay are one write for each member."""

    async def main() -> World:
        world = World()
        world.tell(*range(1, CHANGES + 1))
        return world

    world = loop.run_until_complete(main())
    assert {len(transport.written) for transport in world.transports} == {1}
    assert len({transport.written[0] for transport in world.transports}) == 1

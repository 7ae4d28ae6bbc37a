"""One session, on a WebSocket that a test holds the other end of."""

import asyncio
from typing import Any

import pytest
from engineio.packet import CLOSE, MESSAGE, Packet
from websockets.frames import Frame, Opcode

from facade.engine import websocket
from facade.engine.connection import HARD_BYTES, Connection
from facade.engine.server import Server
from facade.engine.socket import MAX_ANSWERING, MAX_QUEUED, Socket
from facade.engine.wheel import Wheel
from tests.unit.facade.engine.transport import Transport

PING = websocket.text(b"2")


class Handler:
    """Answers an event once it is told to."""

    def __init__(self) -> None:
        self.events: list[tuple[str, list[Any]]] = []
        self.answer = asyncio.Event()

    async def event(self, socket: Socket, name: str, arguments: list[Any]) -> Any:
        self.events.append((name, arguments))
        await self.answer.wait()
        return {"ok": True}


class Owner:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def settle(self) -> None:
        self.told.append("settle")

    def overflow(self) -> None:
        self.told.append("overflow")


class World:
    """An open session, on a WebSocket or polling."""

    def __init__(self, *, polls: bool = False) -> None:
        self.handler, self.owner, self.transport = Handler(), Owner(), Transport()
        self.server = Server(self.handler, ping_interval=20, ping_timeout=10)
        self.now = 0.0
        self.server.eio.wheel = self.wheel = Wheel(clock=lambda: self.now)
        self.socket = Socket(self.server.eio, "sid")
        self.server.eio.sockets["sid"] = self.socket
        self.socket.connected = True
        if not polls:
            self.socket.connection = Connection(self.transport, self.socket, set(), max_bytes=10_000)
            self.socket.upgraded = True
        self.socket.owner = self.owner

    def send(self, text: str) -> None:
        connection = self.socket.connection
        assert connection is not None
        connection.data_received(Frame(Opcode.TEXT, text.encode()).serialize(mask=True))

    def lose(self) -> None:
        assert self.socket.connection is not None
        self.socket.connection.connection_lost(None)

    async def at(self, seconds: float) -> None:
        self.now = seconds
        self.wheel.turn()
        for _ in range(5):
            await asyncio.sleep(0)

    @property
    def texts(self) -> list[bytes]:
        return [text for frames in self.transport.written for text in websocket.payloads(frames)]


async def test_a_client_that_answers_pings_stays() -> None:
    """However long."""
    world = World()
    world.socket.schedule_ping()
    for seconds in range(200):
        await world.at(seconds)
        if world.transport.written[-1:] == [PING]:
            world.send("3")
    assert 7 <= world.transport.written.count(PING) <= 11
    assert not world.transport.ended


async def test_a_client_that_does_not_answer_is_closed() -> None:
    """Not before it had its time."""
    world = World()
    world.socket.schedule_ping()
    await world.at(22)
    assert world.transport.written == [PING]
    await world.at(31)
    assert not world.transport.ended
    await world.at(34)
    assert world.transport.ended
    assert world.server.eio.sockets == {}


async def test_what_a_slow_client_may_be_sent_is_bounded() -> None:
    """And its owner hears of it, since nothing may be left out without a word."""
    world = World()
    world.transport.waiting = HARD_BYTES
    world.socket.congested(True)
    assert (world.socket.is_congested, world.socket.write_directly) == (True, None)
    world.socket.write(websocket.text(b"42[]"))
    assert world.owner.told == ["settle", "overflow"]
    assert world.transport.written == []
    world.socket.write_last(websocket.text(b"42[1]"))
    assert world.texts == [b"42[1]"]
    world.transport.waiting = 0
    world.socket.congested(False)
    assert world.socket.write_directly is not None


async def test_what_waits_for_a_client_that_polls_is_bounded() -> None:
    """By number; half of that counts as slow."""
    world = World(polls=True)
    for number in range(MAX_QUEUED):
        assert world.socket.is_congested == (number > MAX_QUEUED // 2 - 1)
        world.socket.write(websocket.text(b"42[]"))
    world.socket.write(websocket.text(b"42[]"))
    assert world.owner.told == ["overflow"]
    assert len(await world.socket.poll()) == MAX_QUEUED


async def test_who_has_much_to_say_waits_for_room() -> None:
    """On a WebSocket until the transport has sent most, polling until the client has fetched what waits."""
    world = World()
    await asyncio.wait_for(world.socket.room(), 1)
    world.socket.congested(True)
    waiting = [asyncio.ensure_future(world.socket.room()) for _ in range(2)]
    await world.at(0)
    assert not any(one.done() for one in waiting)
    world.socket.congested(False)
    await asyncio.wait_for(asyncio.gather(*waiting), 1)

    world = World(polls=True)
    for _ in range(MAX_QUEUED // 2):
        world.socket.write(websocket.text(b"42[]"))
    one = asyncio.ensure_future(world.socket.room())
    await world.at(0)
    assert not one.done()
    await world.socket.poll()
    await asyncio.wait_for(one, 1)


@pytest.mark.parametrize("polls", [False, True])
async def test_nobody_waits_for_room_in_a_session_that_is_closed(polls: bool) -> None:
    """Nor is one kept from being closed."""
    world = World(polls=polls)
    world.socket.congested(True)
    waiting = asyncio.ensure_future(world.socket.room())
    await world.at(0)
    assert not waiting.done()
    await world.socket.close()
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(world.socket.room(), 1)


async def test_the_end_is_told_alone_to_a_client_that_polls() -> None:
    """It would forget the rest."""
    world = World(polls=True)
    world.socket.write(websocket.text(b"42[1]"))
    await world.socket.close()
    assert [packet.packet_type for packet in await world.socket.poll()] == [MESSAGE]
    world = World(polls=True)
    await world.socket.send(Packet(CLOSE))
    assert [packet.packet_type for packet in await world.socket.poll()] == [CLOSE]


async def test_events_are_answered_by_their_number() -> None:
    """And those without one are not."""
    world = World()
    world.handler.answer.set()
    world.send('427["send",{"text":"ü"}]')
    world.send('42["typing"]')
    await world.at(0)
    assert world.handler.events == [("send", [{"text": "ü"}]), ("typing", [])]
    assert world.texts == [b'437[{"ok":true}]']


async def test_a_client_that_asks_for_too_much_is_read_no_further() -> None:
    """Until half of it has been answered."""
    world = World()
    for number in range(MAX_ANSWERING):
        assert not world.transport.paused
        world.send(f'42{number}["send"]')
    assert world.transport.paused
    waiting = asyncio.ensure_future(world.socket.answered())
    await world.at(0)
    world.handler.answer.set()
    await world.at(0)
    assert not world.transport.paused
    assert not waiting.done()  # What was sent before this was read may still come.
    assert world.transport.written.count(PING) == 1
    world.send('42100["send"]')
    world.send("3")
    await waiting
    assert len(world.texts) == MAX_ANSWERING + 2


@pytest.mark.parametrize(
    "text", ["4x", '42{"a":1}', '42["connect"]', "42[", "42[]", '451-["x",{"_placeholder":true}]', "9", "b4AAE"]
)
async def test_what_is_no_packet_ends_the_connection(text: str) -> None:
    """With a word about why."""
    world = World()
    world.send(text)
    await world.at(0)
    assert b"MALFORMED_PACKET" in world.texts[0]
    assert world.transport.ended
    assert world.handler.events == []


async def test_what_is_meant_for_others_is_ignored() -> None:
    """As the library does."""
    world = World()
    for text in ("0", "2", "5", "6"):
        world.send(text)
    await world.at(0)
    assert (world.transport.written, world.transport.ended) == ([], False)


async def test_a_connection_that_is_lost_ends_the_session() -> None:
    """And nothing more is written."""
    world = World()
    world.lose()
    await world.at(0)
    assert world.server.eio.sockets == {}
    world.socket.write(websocket.text(b"42[]"))
    assert world.transport.written == []


async def test_an_upgrade_takes_along_what_waits() -> None:
    """In order, and before whatever is written after it."""
    world = World(polls=True)
    world.socket.connection = Connection(world.transport, world.socket, set(), max_bytes=1000)
    world.socket.upgrading = True
    world.socket.write(websocket.text(b"42[1]"))
    world.send("2probe")
    world.socket.write(websocket.text(b"42[2]"))
    world.send("5")
    world.socket.write(websocket.text(b"42[3]"))
    assert world.texts == [b"3probe", b"42[1]", b"42[2]", b"42[3]"]
    assert world.socket.write_directly is not None


@pytest.mark.parametrize("is_lost", [True, False])
async def test_an_upgrade_that_fails_leaves_the_session_polling(is_lost: bool) -> None:
    """Whether the connection is lost or says something else."""
    world = World(polls=True)
    world.socket.connection = Connection(world.transport, world.socket, set(), max_bytes=1000)
    world.socket.upgrading = True
    if is_lost:
        world.lose()
    else:
        world.send("4x")
    await world.at(0)
    assert not world.socket.closed
    world.socket.write(websocket.text(b"42[1]"))
    assert len(await world.socket.poll()) == 1

"""From bytes to texts and back."""

import asyncio
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from facade.engine import websocket
from facade.engine.connection import FLUSH_S, Connection
from tests.unit.facade.engine.transport import Transport


class Reader:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def received(self, text: str) -> None:
        self.heard.append(text)

    def refused(self) -> None:
        self.heard.append("refused")

    def congested(self, is_congested: bool) -> None:
        self.heard.append(is_congested)

    def lost(self) -> None:
        self.heard.append("lost")


class World:
    """A connection between a transport and a reader."""

    def __init__(self) -> None:
        self.transport, self.reader, self.connections = Transport(), Reader(), set[Any]()
        self.connection = Connection(self.transport, self.reader, self.connections, max_bytes=1000)

    def send(self, opcode: Opcode, data: bytes, *, fin: bool = True) -> None:
        self.connection.data_received(Frame(opcode, data, fin).serialize(mask=True))


@pytest.fixture
def world() -> World:
    return World()


def test_texts_are_told(world: World) -> None:
    """In the order they come, however the network cuts them."""
    data = b"".join(Frame(Opcode.TEXT, text.encode()).serialize(mask=True) for text in ("a", "", "grüße" * 40))
    for at in range(len(data)):
        world.connection.data_received(data[at : at + 1])
    world.connection.data_received(data)
    assert world.reader.heard == ["a", "", "grüße" * 40] * 2
    assert world.transport.written == []


def test_a_text_in_parts_is_one_text(world: World) -> None:
    """Also with a ping in between, which is answered."""
    world.send(Opcode.TEXT, b"one ", fin=False)
    world.send(Opcode.PING, b"?")
    world.send(Opcode.CONT, b"two ", fin=False)
    world.send(Opcode.CONT, b"three")
    assert world.reader.heard == ["one two three"]
    assert world.transport.written == [websocket.pong(b"?")]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([Frame(Opcode.CONT, b"x")], websocket.PROTOCOL_ERROR),
        ([Frame(Opcode.TEXT, b"x", fin=False), Frame(Opcode.TEXT, b"x")], websocket.PROTOCOL_ERROR),
        ([Frame(Opcode.TEXT, b"\xff")], websocket.INVALID_DATA),
        ([Frame(Opcode.TEXT, b"x" * 1001)], websocket.TOO_BIG),
        ([Frame(Opcode.TEXT, b"x" * 600, fin=False), Frame(Opcode.CONT, b"x" * 600)], websocket.TOO_BIG),
        ([Frame(Opcode.CLOSE, b"\x03\xe8")], websocket.NORMAL),
    ],
)
async def test_how_a_client_ends_a_connection(world: World, frames: list[Frame], code: int) -> None:
    """With a reason that says what was wrong, and nothing after it is read."""
    world.connection.data_received(b"".join(frame.serialize(mask=True) for frame in frames))
    world.send(Opcode.TEXT, b"late")
    assert world.transport.written == [websocket.close(code)]
    assert world.transport.ended
    assert world.reader.heard == ["lost"]


def test_bytes_are_refused(world: World) -> None:
    """No packet of ours is made of them."""
    world.send(Opcode.BINARY, b"\x00")
    assert world.reader.heard == ["refused"]


def test_that_it_is_slow_is_told(world: World) -> None:
    """And that it is not any more."""
    world.connection.pause_writing()
    world.connection.resume_writing()
    assert world.reader.heard == [True, False]


async def test_the_end_is_told_once(world: World) -> None:
    """And the server need not end it any more."""
    assert world.connections == {world.connection}
    world.connection.shutdown()
    world.connection.shutdown()
    world.connection.connection_lost(None)
    assert world.transport.written == [websocket.close(websocket.GOING_AWAY)]
    assert world.reader.heard == ["lost"]
    assert world.connections == set()


async def test_a_connection_that_is_broken_is_written_to_for_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which `lost` tells a moment later."""

    def fail(_: bytes) -> None:
        raise RuntimeError("the handle is closed")

    world.connection.write = fail
    world.connection.send(b"x")
    world.send(Opcode.PING, b"?")
    world.connection.close()
    assert world.reader.heard == ["lost"]


class Later:
    """What is to be done later, and whether it still is."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Any]] = []

    def call_later(self, seconds: float, call: Any) -> "Later":
        self.calls.append((seconds, call))
        return self

    def cancel(self) -> None:
        self.calls.clear()


def test_a_connection_that_is_closed_is_read_to_its_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the kernel drops what it has not sent; but a client that does not close it holds nothing up."""
    later = Later()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: later)
    world.connection.read_on(False)
    world.connection.close()
    assert (world.transport.ended, world.transport.closing, world.transport.paused) == (True, False, False)
    world.send(Opcode.TEXT, b"late")
    world.connection.pause_writing()
    assert world.reader.heard == ["lost"]
    assert later.calls == [(FLUSH_S, world.transport.abort)]
    world.connection.connection_lost(None)
    assert later.calls == []
    assert world.reader.heard == ["lost"]

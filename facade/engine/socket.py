"""One Engine.IO session. While it is polling it is the library's; on a WebSocket it writes and reads at once."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from engineio.async_socket import AsyncSocket
from engineio.packet import CLOSE, MESSAGE, NOOP, PING, PONG, Packet

from facade.engine import websocket
from facade.engine.connection import HARD_BYTES, Connection
from facade.engine.handshake import hand_over_from
from facade.engine.wheel import Wheel

MAX_QUEUED: Final = 1000
"""Packets that may wait for a client that polls."""

MAX_ANSWERING: Final = 100
"""Events of one client that are carried out at once."""
_IGNORED: Final = ("0", "2", "5", "6")
"""Packets that have a meaning at other times, or for the other side only."""
_PING = websocket.text(b"2")
_PROBED = websocket.text(b"3probe")


class Owner(Protocol):
    """Who a session belongs to, once it is somebody's."""

    def settle(self) -> None:
        """How the session can be written to has changed."""
        ...

    def overflow(self) -> None:
        """More waits than may."""
        ...


class Socket(AsyncSocket):  # type: ignore[misc]
    """`owner` is set by whoever accepts the session, and `None` before."""

    server: Any
    sid: str

    def __init__(self, server: Any, sid: str) -> None:
        # Not the library's: that makes a queue for each socket, which none on a WebSocket needs.
        self.server, self.sid = server, sid
        self._polled: asyncio.Queue[Packet | None] | None = None
        self.connection: Connection | None = None
        self.owner: Owner | None = None
        self._is_full = False
        self._answering = 0
        self._idle: asyncio.Future[None] | None = None
        self._pong: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self.last_ping: float | None = None
        self.connected = self.upgrading = self.upgraded = self.closing = self.closed = False

    @property
    def queue(self) -> asyncio.Queue[Packet | None]:
        """What waits for a client that polls."""
        if self._polled is None:
            self._polled = asyncio.Queue()
        return self._polled

    @property
    def is_congested(self) -> bool:
        """Whether so much waits that what can be left out should be."""
        return self._is_full or (self._polled is not None and self._polled.qsize() >= MAX_QUEUED // 2)

    @property
    def write_directly(self) -> Callable[[bytes], None] | None:
        """Sends frames at once; None while they have to wait, or may have to be left out."""
        ready = self.upgraded and not self._is_full and not self.closing
        return self.connection.write if ready and self.connection is not None else None

    def write(self, frames: bytes) -> None:
        """Sends frames, or keeps them for a client that is slow or polls. Tells the owner when that is too much."""
        if self.closed:
            return
        if self.connection is None or not self.upgraded:
            self._queue(frames)
        elif not self._is_full or self.connection.waiting_bytes + len(frames) <= HARD_BYTES:
            self.connection.send(frames)
        elif self.owner is not None:
            self.owner.overflow()

    async def room(self) -> None:
        """Waits until little enough waits to be sent, or the session is closed."""
        while self.is_congested and not self.closed:
            self._room = self._room or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)

    def write_last(self, frames: bytes) -> None:
        """Sends frames however much waits. Only before the session is closed."""
        if self.upgraded and self.connection is not None:
            self.connection.send(frames)
        else:
            self._put(frames)

    def _queue(self, frames: bytes) -> None:
        if self.queue.qsize() < MAX_QUEUED:
            self._put(frames)
        elif self.owner is not None:
            self.owner.overflow()

    def _put(self, frames: bytes) -> None:
        for payload in websocket.payloads(frames):
            self.queue.put_nowait(Packet(MESSAGE, payload[1:].decode()))

    async def poll(self) -> list[Packet]:
        """What a client is answered that polls. That it is closed is told alone, or by the next request being refused:
        the official JavaScript client forgets what comes in one answer with it.
        """
        packets: list[Packet] = await super().poll()
        self._has_room()
        return packets if len(packets) == 1 else [packet for packet in packets if packet.packet_type != CLOSE]

    async def send(self, pkt: Packet) -> None:
        """Sends what the libraries have to say."""
        if self.closed:
            return
        if self.upgraded and self.connection is not None:
            self.connection.send(_frame(pkt))
        else:
            await self.queue.put(pkt)

    # What comes.

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> str:
        if self.upgraded or self.upgrading:
            return cast(str, self.server._bad_request())
        await environ["asgi.send"]({"type": "websocket.accept"})
        self.upgrading = self.connected  # A session that polls goes on doing so until the client has tried this way.
        self.connection = hand_over_from(environ["asgi.scope"], self, max_bytes=self.server.max_http_buffer_size)
        if not self.upgrading:
            self.connected = True
            self._open()
        return ""

    def _open(self) -> None:
        self.upgrading, self.upgraded = False, True
        while self._polled is not None and not self._polled.empty():
            packet = self._polled.get_nowait()
            if packet is not None and packet.packet_type != NOOP:
                cast(Connection, self.connection).send(_frame(packet))
        self._polled = None
        self._settle()

    def received(self, text: str) -> None:
        kind = text[:1]
        if self.upgrading:
            self._probe(text)
        elif kind == "4":
            self.server.on_message(self, text[1:])
        elif kind == "3":
            self._is_alive()
        elif kind == "1":
            cast(Connection, self.connection).close()
        elif kind not in _IGNORED:
            self.refused()

    def _probe(self, text: str) -> None:
        connection = cast(Connection, self.connection)
        if text == "2probe":
            connection.send(_PROBED)
            self.queue.put_nowait(Packet(NOOP))  # Ends the request that polls.
        elif text == "5":
            self._open()
        else:
            connection.close(websocket.PROTOCOL_ERROR)

    async def receive(self, pkt: Packet) -> None:
        """Takes a packet from a client that polls."""
        if pkt.packet_type == MESSAGE:
            self.server.on_message(self, pkt.data)
        elif pkt.packet_type == PONG:
            self._is_alive()
        elif pkt.packet_type == CLOSE:
            await super().receive(pkt)

    def refused(self) -> None:
        self.server.on_malformed(self)

    def congested(self, is_congested: bool) -> None:
        self._is_full = is_congested
        self._settle()

    def lost(self) -> None:
        if self.upgrading:  # It goes on polling.
            self.connection, self.upgrading = None, False
        elif not self.closed:
            self.server.spawn(self._gone(self.server.reason.TRANSPORT_CLOSE))

    async def _gone(self, reason: str) -> None:
        await self.close(wait=False, abort=True, reason=reason)

    def _has_room(self) -> None:
        if self._room is not None:
            self._room.set_result(None)
            self._room = None

    def _settle(self) -> None:
        self._has_room()
        if self.owner is not None:
            self.owner.settle()

    # What it waits for.

    def asks(self) -> None:
        """An event is taken, which will be answered. Of a client that asks for too much at once no more is read."""
        self._answering += 1
        if self._answering == MAX_ANSWERING and self.connection is not None:
            self.connection.read_on(False)

    def is_answered(self) -> None:
        """One event has its answer."""
        self._answering -= 1
        if self._answering == MAX_ANSWERING // 2 and self.connection is not None:
            self.connection.read_on(True)
        if not self._answering and self._idle is not None:
            self._idle.set_result(None)
            self._idle = None

    async def answered(self) -> None:
        """Waits until every event has its answer that the client sent before it read what was written so far."""
        if self.upgraded and self.connection is not None:
            self._pong = self._pong or asyncio.get_running_loop().create_future()
            self.connection.send(_PING)
            await asyncio.shield(self._pong)  # What was sent before it has come before it.
        if self._answering:
            self._idle = self._idle or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._idle)

    # How it ends.

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """Tells who handles the session, and ends the connection without waiting for the client."""
        was_closed = self.closed or self.closing
        await super().close(wait=False, abort=abort, reason=reason)
        if was_closed:
            return
        self._settle()
        self.server.sockets.pop(self.sid, None)
        if self.connection is not None:
            self.connection.close()
        else:
            self.queue.put_nowait(None)

    # Signs of life.

    def schedule_ping(self) -> None:
        """Pings from now on. Called by the library once the session is open."""
        # Those that connect at once are not pinged at once.
        self.wheel.after(self.server.ping_interval * random.uniform(0.5, 1), self._ping)  # noqa: S311

    @property
    def wheel(self) -> Wheel:
        return cast(Wheel, self.server.wheel)

    def _is_alive(self) -> None:
        self.last_ping = None
        if self._pong is not None:
            self._pong.set_result(None)
            self._pong = None

    def _ping(self) -> None:
        if self.closed or self.closing:
            return
        self.last_ping = time.time()
        if self.upgraded and self.connection is not None:
            self.connection.send(_PING)
        else:
            self.queue.put_nowait(Packet(PING))
        self.wheel.after(self.server.ping_timeout, self._check)

    def _check(self) -> None:
        if self.closed or self.closing:
            return
        if self.last_ping is None:
            self.wheel.after(self.server.ping_interval - self.server.ping_timeout, self._ping)
        else:
            self.server.spawn(self._gone(self.server.reason.PING_TIMEOUT))


def _frame(packet: Packet) -> bytes:
    """What the libraries have to say, on a WebSocket."""
    return websocket.text(packet.encode().encode())

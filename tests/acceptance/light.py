"""A Socket.IO client over WebSocket that costs little: thousands fit into a process, and they can misbehave."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final

import orjson

from tests.e2e.clients import WITHIN_S

_UPGRADE: Final = (
    "GET /ws/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_MASK = bytes(4)
"""A key that changes nothing."""


class Refused(Exception):
    """The server does not want this socket. `problem` says why, where it said so."""

    def __init__(self, problem: Any) -> None:
        super().__init__(str(problem))
        self.problem: dict[str, Any] = problem if isinstance(problem, dict) else {}


class Light(asyncio.Protocol):
    """One connection. `heard` is called with each event and its data, in order."""

    def __init__(self, auth: Any, heard: Callable[[str, Any], None]) -> None:
        self._auth, self._heard = auth, heard
        self._buffer = bytearray()
        self._numbers = count()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._is_open = False
        self.transport: asyncio.Transport
        loop = asyncio.get_running_loop()
        self.accepted: asyncio.Future[None] = loop.create_future()
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        transport.write(_UPGRADE.format(host=f"{host}:{port}").encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        if not self.accepted.done():
            self.accepted.set_exception(exc or ConnectionError("closed before it was open"))
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ConnectionError("closed before there was an answer"))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._is_open:
            head = buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            if b" 101 " not in buffer[: buffer.find(b"\r\n")]:
                self._refuse(bytes(buffer[head + 4 :]))
                return
            self._is_open = True
            del buffer[: head + 4]
        at = 0
        while (frame := _frame(buffer, at)) is not None:
            opcode, start, at = frame
            if opcode == 1:
                self._take(bytes(buffer[start:at]))
            elif opcode == 8:
                self.transport.close()
        del buffer[:at]

    def _take(self, packet: bytes) -> None:
        kind = packet[:2]
        if kind == b"42":
            self._heard(*orjson.loads(packet[2:]))
        elif kind == b"43":
            number = packet[2 : packet.index(b"[")]
            asked = self._asked.pop(int(number))
            if not asked.done():
                asked.set_result(orjson.loads(packet[2 + len(number) :])[0])
        elif kind == b"2":
            self._write(b"3")
        elif kind == b"40":
            self.accepted.set_result(None)
        elif kind == b"44":
            self._refuse(packet[2:])
        elif kind[:1] == b"0":
            self._write(b"40" + orjson.dumps(self._auth))
        elif kind in (b"1", b"41"):
            self.transport.close()

    def _refuse(self, said: bytes) -> None:
        try:
            problem = orjson.loads(said)
        except orjson.JSONDecodeError:
            problem = said.decode(errors="replace")
        if not self.accepted.done():
            self.accepted.set_exception(Refused(problem.get("data", problem) if isinstance(problem, dict) else problem))
        self.transport.close()

    def _write(self, payload: bytes) -> None:
        self.transport.write(_head(len(payload)) + payload)

    def ask(self, event: str, data: Any) -> asyncio.Future[Any]:
        """Sends an event; its acknowledgement to come. It fails with ConnectionError when the connection ends first."""
        number = next(self._numbers)
        asked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.gone.is_set():
            asked.set_exception(ConnectionError("closed"))
            return asked
        self._asked[number] = asked
        self._write(b"42" + str(number).encode() + orjson.dumps([event, data]))
        return asked

    async def leave(self) -> None:
        """Says good-bye."""
        self._write(b"41")
        self.transport.close()
        await self.gone.wait()

    def cut(self) -> None:
        """Resets the connection, as a network does that is gone."""
        bare = self.transport.get_extra_info("socket")
        with suppress(OSError):  # Gone already.
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def cut_within_a_frame(self, event: str, data: Any) -> None:
        """Sends the first half of an event, and no more."""
        payload = b"42" + orjson.dumps([event, data])
        self.transport.write(_head(len(payload)) + payload[: len(payload) // 2])
        self.transport.close()


async def connect(
    host: str, port: int, auth: Any, heard: Callable[[str, Any], None], *, receive_bytes: int = 0
) -> Light:
    """A socket that the server accepted. Raises Refused, OSError or TimeoutError."""
    bare = socket.socket()
    bare.setblocking(False)
    if receive_bytes:
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(WITHIN_S):
            await loop.sock_connect(bare, (host, port))
    except BaseException:
        bare.close()
        raise
    _, light = await loop.create_connection(lambda: Light(auth, heard), sock=bare)
    try:
        async with asyncio.timeout(WITHIN_S):
            await asyncio.shield(light.accepted)
    except BaseException:
        light.accepted.cancel()
        light.transport.abort()
        raise
    return light


def _head(length: int) -> bytes:
    if length < 126:
        return bytes((0x81, 0x80 | length)) + _MASK
    if length < 1 << 16:
        return b"\x81\xfe" + length.to_bytes(2, "big") + _MASK
    return b"\x81\xff" + length.to_bytes(8, "big") + _MASK


def _frame(buffer: bytearray, at: int) -> tuple[int, int, int] | None:
    """Opcode, begin and end of what the frame at `at` carries; None while it is not there whole."""
    have = len(buffer) - at
    if have < 2:
        return None
    length, start = buffer[at + 1] & 0x7F, at + 2
    if length >= 126:
        width = 2 if length == 126 else 8
        if have < 2 + width:
            return None
        length, start = int.from_bytes(buffer[start : start + width], "big"), start + width
    if len(buffer) < start + length:
        return None
    return buffer[at] & 0x0F, start, start + length

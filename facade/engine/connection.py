"""An open WebSocket, from bytes to texts and back, without a task or a queue.

It takes the place of the protocol that shook hands, so that nothing of the handshake stays in memory.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from facade.engine import websocket
from facade.engine.websocket import Frame, Violation

SOFT_BYTES: Final = 256 * 1024
"""What may wait to be sent before what can be left out is left out."""
HARD_BYTES: Final = 1024 * 1024
"""What may wait to be sent at all."""
KERNEL_BYTES: Final = 128 * 1024
"""What the kernel is asked to take for one socket: what waits there can neither be counted nor left out."""
FLUSH_S: Final = 5.0
"""How long a connection that is closed may go on sending what waits, and the client take to close it too."""
MAX_PARTS: Final = 1000
"""Of one message."""


class Reader(Protocol):
    """Who is told what comes."""

    def received(self, text: str) -> None:
        """A whole message."""
        ...

    def refused(self) -> None:
        """A message came that is no text."""
        ...

    def congested(self, is_congested: bool) -> None:
        """More than `SOFT_BYTES` wait to be sent, or not any more."""
        ...

    def lost(self) -> None:
        """The connection is closed or gone. Called once, and last."""
        ...


class Connection(asyncio.Protocol):
    """Frames in, frames out. `connections` are those that the server ends when it stops."""

    __slots__ = ("_buffer", "_connections", "_linger", "_max_bytes", "_parts", "_reader", "transport", "write")

    def __init__(self, transport: asyncio.Transport, reader: Reader, connections: set[Any], *, max_bytes: int) -> None:
        self.transport = transport
        self.write: Callable[[bytes], None] = transport.write
        """Sends frames. What is written within one turn of the loop leaves together. Raises RuntimeError when the
        connection is broken, of which `lost` tells a moment later.
        """
        self._reader: Reader | None = reader
        """Nobody once it is closed."""
        self._linger: asyncio.TimerHandle | None = None
        self._connections = connections
        self._max_bytes = max_bytes
        self._buffer: bytearray | None = None
        self._parts: list[bytes] | None = None
        connections.add(self)
        transport.set_write_buffer_limits(high=SOFT_BYTES)
        bare = transport.get_extra_info("socket")
        if bare is not None and bare.family in (socket.AF_INET, socket.AF_INET6):
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        transport.set_protocol(self)

    @property
    def waiting_bytes(self) -> int:
        """How much waits to be sent."""
        return self.transport.get_write_buffer_size()

    def send(self, frames: bytes) -> None:
        """Sends frames, if they can still be sent."""
        with suppress(RuntimeError):
            self.write(frames)

    def read_on(self, is_reading: bool) -> None:
        """Whether what comes is read. What is not makes the client wait."""
        with suppress(RuntimeError):
            if is_reading:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            return  # Read all the same: with anything unread the kernel would drop what it has not sent yet.
        if self._buffer is not None:
            self._buffer += data
        at, whole = 0, data if self._buffer is None else self._buffer
        try:
            while (frame := websocket.read(whole, at, self._max_bytes)) is not None:
                at = frame.end
                self._take(frame)
                if self._reader is None:
                    return
        except Violation as violation:
            self.close(violation.code)
            return
        if self._buffer is not None:
            del self._buffer[:at]
            if not self._buffer:
                self._buffer = None
        elif at < len(data):
            self._buffer = bytearray(data[at:])

    def _take(self, frame: Frame) -> None:
        if frame.opcode == websocket.TEXT and frame.is_final and self._parts is None:
            self._text(frame.payload)
        elif frame.opcode == websocket.PING:
            self.send(websocket.pong(frame.payload))
        elif frame.opcode == websocket.CLOSE:
            self.close(websocket.NORMAL)
        elif frame.opcode == websocket.BINARY:
            self._tell().refused()
        elif frame.opcode != websocket.PONG:
            self._part(frame)

    def _part(self, frame: Frame) -> None:
        if (frame.opcode == websocket.CONTINUATION) == (self._parts is None):
            raise Violation(websocket.PROTOCOL_ERROR)
        parts = self._parts = self._parts or []
        parts.append(frame.payload)
        if sum(map(len, parts)) > self._max_bytes or len(parts) > MAX_PARTS:
            raise Violation(websocket.TOO_BIG)
        if frame.is_final:
            self._parts = None
            self._text(b"".join(parts))

    def _text(self, payload: bytes) -> None:
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            raise Violation(websocket.INVALID_DATA) from None
        self._tell().received(text)

    def pause_writing(self) -> None:
        if self._reader is not None:
            self._reader.congested(True)

    def resume_writing(self) -> None:
        if self._reader is not None:
            self._reader.congested(False)

    def close(self, code: int = websocket.NORMAL) -> None:
        """Ends the connection: what waits is sent, then the client closes it too, or it is given up."""
        if self._reader is None:
            return
        self.send(websocket.close(code))
        with suppress(RuntimeError):
            self.transport.write_eof()
        self.read_on(True)
        self._linger = asyncio.get_running_loop().call_later(FLUSH_S, self.transport.abort)
        self._end()

    def _end(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.lost()

    def _tell(self) -> Reader:
        assert self._reader is not None  # Nothing is taken once it is closed.
        return self._reader

    def shutdown(self) -> None:
        """Ends the connection because the server stops. Called by uvicorn."""
        self.close(websocket.GOING_AWAY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._linger is not None:
            self._linger.cancel()
        self._end()

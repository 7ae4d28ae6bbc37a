"""What a socket may send, before anybody looks at its meaning: the seams into python-socketio and python-engineio.

Both take frames on trust: an event named `connect` runs the connect handler again, binary parts may be promised without
end, and what is no packet at all ends in a traceback. Such frames get a `problem` with MALFORMED_PACKET here, and the
socket is closed.
"""

import asyncio
from typing import Any

import socketio
import structlog
from engineio.async_drivers.asgi import WebSocket, translate_request
from engineio.exceptions import EngineIOError
from engineio.packet import Packet as EnginePacket
from engineio.payload import Payload
from socketio.packet import BINARY_ACK, BINARY_EVENT, EVENT, Packet

from facade.fanout import event_packet
from facade.problems import as_dict
from mesh.errors import Invalid

CONNECT_TIMEOUT_S = 20.0
"""How long a socket may stay open for nobody: before its CONNECT packet, or after it was refused."""
MAX_PAYLOAD_PACKETS = 1000
"""In one request of long-polling. Clients put in all that waits; the library drops more than 16 without a word."""
RESERVED = {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "*"}
_ENGINE_KINDS = {*"0123456b"}

log = structlog.get_logger(__name__)


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """A Socket.IO server that refuses malformed frames, and says so."""

    def __init__(self, **options: Any) -> None:
        super().__init__(async_mode="asgi", serializer=StrictPacket, **options)
        own = {"websocket": _WebSocket, "translate_request": _translate_request}
        self.eio._async = {**self.eio._async, **own}
        self.eio._log_error_once = _say_nothing
        Payload.max_decode_packets = MAX_PAYLOAD_PACKETS

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        asyncio.get_running_loop().call_later(CONNECT_TIMEOUT_S, self._close_stranger, eio_sid)

    def _close_stranger(self, eio_sid: str) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None and self.manager.sid_from_eio_sid(eio_sid, "/") is None:
            socket.queue.put_nowait(None)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            await super()._handle_eio_message(eio_sid, data)
        except Exception as error:
            log.info("malformed packet", error=type(error).__name__)
            socket = self.eio.sockets.get(eio_sid)
            if socket is not None:
                await socket.send(_problem())
                await self.eio.disconnect(eio_sid)
                socket.queue.put_nowait(None)  # Closes the transport too, instead of asking the client to.

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        if reason == self.reason.CLIENT_DISCONNECT and (socket := self.eio.sockets.get(eio_sid)):
            socket.queue.put_nowait(None)  # Ends the request that a long-polling client left open.


class StrictPacket(Packet):  # type: ignore[misc]
    """Decodes what the official parser takes, without binary parts: no contract of ours has use for them."""

    def decode(self, encoded_packet: str) -> int:
        attachments: int = super().decode(encoded_packet)
        if self.packet_type in (BINARY_EVENT, BINARY_ACK):
            raise ValueError("binary parts are not taken")
        if self.packet_type == EVENT and not _is_event(self.data):
            raise ValueError("not an event")
        return attachments


class _WebSocket(WebSocket):  # type: ignore[misc]
    async def wait(self) -> str | bytes:
        frame: str | bytes = await super().wait()
        if isinstance(frame, str) and frame[:1] not in _ENGINE_KINDS:
            log.info("malformed packet", error="not Engine.IO")
            await self.send(_problem().encode())
            raise OSError("not an Engine.IO packet")  # As the library expects it of a transport that is gone.
        return frame


class _Body:
    """The body of a long-polling request, checked as it is read."""

    def __init__(self, body: Any) -> None:
        self._body = body

    async def read(self, length: int) -> bytes:
        read: bytes = await self._body.read(length)
        try:
            packets = read.decode().split("\x1e")
        except UnicodeDecodeError:
            packets = [""]
        if len(packets) > MAX_PAYLOAD_PACKETS or not all(packet[:1] in _ENGINE_KINDS for packet in packets):
            raise EngineIOError("not an Engine.IO payload")  # Answered by 400; the session is closed.
        return read


async def _translate_request(*connection: Any) -> dict[str, Any]:
    environ: dict[str, Any] = await translate_request(*connection)
    environ["wsgi.input"] = _Body(environ["wsgi.input"])
    return environ


def _say_nothing(message: str, _key: str) -> None:
    """In place of lines about bad requests, which repeat what strangers write into an address."""


def _is_event(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED


def _problem() -> EnginePacket:
    error = Invalid("MALFORMED_PACKET", "This is not a Socket.IO packet.")
    return event_packet("problem", as_dict(error, request_id="", trace_id="", instance="/ws"))

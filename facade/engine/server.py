"""The Engine.IO and Socket.IO servers, with what they do for every socket and message replaced."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

import orjson
import socketio
import structlog
from engineio import AsyncServer as EngineServer
from engineio.packet import OPEN, Packet
from engineio.payload import Payload

from facade.engine.packets import StrictPacket, answer_frame, is_event, malformed
from facade.engine.polling import MAX_PAYLOAD_PACKETS, translate_request
from facade.engine.socket import Socket
from facade.engine.wheel import Wheel
from facade.json import SocketJson

CONNECT_TIMEOUT_S: Final = 20.0
"""How long a socket may stay open for nobody: before its CONNECT packet, or after it was refused."""

_EVENT: Final = re.compile(r"2(\d{0,15})\[")
"""How an event of the default namespace begins, with the number that its answer is to have."""

log = structlog.get_logger(__name__)


class Handler(Protocol):
    """What is done with sockets once their packets are understood."""

    async def event(self, socket: Socket, name: str, arguments: list[Any]) -> Any:
        """Answers an event of a client."""
        ...


class Engine(EngineServer):  # type: ignore[misc]
    """An Engine.IO server whose sockets are ours. `wheel` is turned by whoever runs the server."""

    wheel: Wheel
    spawn: Callable[[Coroutine[Any, Any, Any]], None]
    on_message: Callable[[Socket, Any], None]
    on_malformed: Callable[[Socket], None]

    async def _handle_connect(self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None) -> Any:
        sid = self.generate_id()
        socket = self.sockets[sid] = Socket(self, sid)
        try:
            await self._trigger_event("connect", sid, environ)
            await socket.send(self._opening(sid, transport))
            socket.schedule_ping()
            if transport == "websocket":
                return await socket.handle_get_request(environ)
            socket.connected = True
            return self._ok(await socket.poll(), jsonp_index=jsonp_index)
        except BaseException:  # The client went away meanwhile.
            self.sockets.pop(sid, None)
            raise

    def _opening(self, sid: str, transport: str) -> Packet:
        opening = {
            "sid": sid,
            "upgrades": self._upgrades(sid, transport),
            "pingTimeout": int(self.ping_timeout * 1000),
            "pingInterval": int(self.ping_interval * 1000),
            "maxPayload": self.max_http_buffer_size,
        }
        return Packet(OPEN, opening)


class Rooms(socketio.AsyncManager):  # type: ignore[misc]
    """Without a room for each socket: python-socketio looks through all rooms whenever a socket goes."""

    def basic_enter_room(self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None) -> None:
        if room != sid:
            super().basic_enter_room(sid, namespace, room, eio_sid=eio_sid)


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """A Socket.IO server that reads events by itself, and refuses malformed packets.

    The library takes packets on trust: an event named `connect` runs the connect handler again, binary parts may be
    promised without end, and what is no packet at all ends in a traceback. Who sends such a packet gets a `problem`
    with MALFORMED_PACKET, and the socket is closed.
    """

    def __init__(self, handler: Handler, **options: Any) -> None:
        super().__init__(
            async_mode="asgi",
            serializer=StrictPacket,
            client_manager=Rooms(),
            json=SocketJson,
            logger=False,
            engineio_logger=False,
            monitor_clients=False,
            http_compression=False,
            cors_allowed_origins=[],  # Turns the library's own rule off: the gate has judged the origin already.
            **options,
        )
        self._handler = handler
        self._tasks: set[asyncio.Task[Any]] = set()
        self.wheel = Wheel()
        self.eio._async = {**self.eio._async, "translate_request": translate_request}
        self.eio._log_error_once = _say_nothing
        self.eio.wheel, self.eio.spawn = self.wheel, self.spawn
        self.eio.on_message, self.eio.on_malformed = self._take, self._refuse
        Payload.max_decode_packets = MAX_PAYLOAD_PACKETS

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Runs work that belongs to a socket. What it fails with is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("socket task failed", exc_info=error)

    async def cancel(self) -> None:
        """Ends all work that is still going on."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, socket: Socket, message: Any) -> None:
        start = _EVENT.match(message) if isinstance(message, str) else None
        if start is None:
            self.spawn(self._take_other(socket, message))
            return
        try:
            data = orjson.loads(message[start.end() - 1 :])
        except orjson.JSONDecodeError:
            data = None
        if is_event(data):
            socket.asks()
            self.spawn(self._answer(socket, start[1], data))
        else:
            self._refuse(socket)

    async def _answer(self, socket: Socket, number: str, data: list[Any]) -> None:
        try:
            answer = await self._handler.event(socket, data[0], data[1:])
            if number:
                socket.write(answer_frame(number, answer))
        finally:
            socket.is_answered()

    async def _take_other(self, socket: Socket, message: Any) -> None:
        try:
            await self._handle_eio_message(socket.sid, message)
        except Exception as error:
            log.info("malformed packet", error=type(error).__name__)
            self._refuse(socket)

    def _refuse(self, socket: Socket) -> None:
        if not socket.closing:
            socket.write_last(malformed())
            self.spawn(socket.close(reason=self.reason.SERVER_DISCONNECT))

    async def _handle_connect(self, eio_sid: str, namespace: str, data: Any) -> None:
        await super()._handle_connect(eio_sid, namespace, data)
        self.environ.pop(eio_sid, None)  # Nobody asks for the request again.

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self.wheel.after(CONNECT_TIMEOUT_S, lambda: self._close_stranger(eio_sid))

    def _close_stranger(self, eio_sid: str) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None and self.manager.sid_from_eio_sid(eio_sid, "/") is None:
            self.spawn(socket.close(reason=self.reason.SERVER_DISCONNECT))


def _say_nothing(message: str, _key: str) -> None:
    """In place of lines about bad requests, which repeat what strangers write into an address."""

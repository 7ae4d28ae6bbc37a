"""Drives the official Socket.IO client of Python; `programs.py` says how."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import socketio

SOCKETS: dict[str, socketio.AsyncClient] = {}
AUTHS: dict[str, Any] = {}


def say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def connect(socket: str, url: str, auth: Any, transports: list[str]) -> None:
    AUTHS[socket] = auth
    client = SOCKETS[socket] = socketio.AsyncClient(reconnection_delay=0.2, reconnection_delay_max=1)

    @client.event  # type: ignore[untyped-decorator]
    def connect() -> None:
        say(socket=socket, event="$connect", data=None)

    @client.event  # type: ignore[untyped-decorator]
    def disconnect(reason: str) -> None:
        say(socket=socket, event="$disconnect", data=reason)

    @client.event  # type: ignore[untyped-decorator]
    def connect_error(data: Any) -> None:
        say(socket=socket, event="$refused", data=data.get("data", data) if isinstance(data, dict) else str(data))

    @client.on("*")  # type: ignore[untyped-decorator]
    def event(event: str, data: Any = None) -> None:
        say(socket=socket, event=event, data=data)

    with suppress(socketio.exceptions.ConnectionError):  # Told by connect_error, as the others do.
        await client.connect(
            url, socketio_path="/ws", auth=lambda: AUTHS[socket], transports=transports, wait_timeout=20
        )


async def auth(socket: str, auth: Any) -> None:
    AUTHS[socket] = auth


async def emit(socket: str, event: str, data: Any) -> Any:
    return await SOCKETS[socket].call(event, data, timeout=20)


async def close(socket: str) -> None:
    await SOCKETS[socket].disconnect()


OPERATIONS: dict[str, Callable[..., Awaitable[Any]]] = {"connect": connect, "auth": auth, "emit": emit, "close": close}


async def serve(line: bytes) -> None:
    command = json.loads(line)
    number, operation = command.pop("id"), command.pop("op")
    try:
        say(id=number, answer=await OPERATIONS[operation](**command))
    except Exception as error:
        say(id=number, error=repr(error))


async def main() -> None:
    reader = asyncio.StreamReader(limit=64 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as tasks:
        while line := await reader.readline():
            tasks.create_task(serve(line))
    await asyncio.gather(*[client.disconnect() for client in SOCKETS.values()])


asyncio.run(main())

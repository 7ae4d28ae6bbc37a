"""The official Socket.IO client of JavaScript, held by a Node process that takes commands."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from tests.acceptance.npm import installed
from tests.e2e.clients import User

PACKAGE, VERSION = "socket.io-client", "4.8.4"
SCRIPT = Path(__file__).with_name("socketio_client.mjs")
MAX_LINE = 64 << 20


class JavaScript:
    """Sockets by user. Commands may overlap."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ids = count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def connect(self, url: str, user: User, transports: Sequence[str]) -> dict[str, Any]:
        """Connects a user; what the server greeted with."""
        greeting: dict[str, Any] = await self._do("connect", user, url=url, token=user.token, transports=transports)
        return greeting

    async def emit(self, user: User, event: str, data: Any) -> dict[str, Any]:
        """The acknowledgement of an event."""
        answer: dict[str, Any] = await self._do("emit", user, event=event, data=data)
        return answer

    async def received(self, user: User) -> dict[str, list[tuple[int, str, str]]]:
        """By conversation, the number, the id and the SHA-256 of the text of each new message, as they came."""
        found = await self._do("received", user)
        return {
            conversation_id: [(seq, id_, sha) for seq, id_, sha in items] for conversation_id, items in found.items()
        }

    async def read(self) -> None:
        """Takes answers until the process ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = orjson.loads(line)
            future = self._waiting.pop(said["id"])
            if "error" in said:
                future.set_exception(ConnectionError(said["error"]))
            else:
                future.set_result(said["answer"])

    async def _do(self, operation: str, user: User, **arguments: Any) -> Any:
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        command = {"id": number, "op": operation, "user": user.id, **arguments}
        self._process.stdin.write(orjson.dumps(command) + b"\n")
        await self._process.stdin.drain()
        return await future


@asynccontextmanager
async def open_javascript() -> AsyncIterator[JavaScript]:
    """A process of its own. Leaving it disconnects the sockets."""
    folder = await asyncio.to_thread(installed, PACKAGE, VERSION)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("node", SCRIPT, folder, stdin=pipe, stdout=pipe, limit=MAX_LINE)
    client = JavaScript(process)
    reader = asyncio.create_task(client.read())
    try:
        yield client
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await reader

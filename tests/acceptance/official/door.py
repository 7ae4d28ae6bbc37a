"""The way to a server, which can be shut, and which sees what kind of requests come through."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_TRANSPORT = re.compile(rb"^(?:GET|POST) /ws/?\?\S*transport=(\w+)", re.MULTILINE)


class Door:
    """Carries connections to `host:port`."""

    def __init__(self, target: str) -> None:
        self._host, _, self._port = target.rpartition(":")
        self._tasks: set[asyncio.Task[None]] = set()
        self._shut = False
        self.transports: set[str] = set()
        """Those that were asked for so far."""

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[str]:
        """The URL that leads through."""
        server = await asyncio.start_server(self._enter, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            await self.shut()

    async def shut(self) -> None:
        """Cuts all connections; new ones are cut at once until it is opened again."""
        self._shut = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def open(self) -> None:
        self._shut = False

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._shut:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, there = await asyncio.open_connection(self._host, int(self._port))
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._there(near, there))
                ways.create_task(_copy(far, back))
        finally:
            there.transport.abort()
            back.transport.abort()

    async def _there(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                self.transports.update(kind.decode() for kind in _TRANSPORT.findall(data))
                sink.write(data)
                await sink.drain()
        sink.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()

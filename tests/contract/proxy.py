"""A server's network, to be broken: passes bytes on until it is told to keep them, or to hang up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Proxy:
    """Stands in front of a TCP server, at `port`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    def stall(self) -> None:
        """Keeps everything; connections stay, and new ones are accepted."""
        self._flows.clear()

    def resume(self) -> None:
        self._flows.set()

    async def hang_up(self) -> None:
        """Ends all connections."""
        writers, self._writers = self._writers, set()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*[writer.wait_closed() for writer in writers], return_exceptions=True)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        await self._flows.wait()
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        self._writers.add(server_writer)
        await asyncio.gather(self._pipe(reader, server_writer), self._pipe(server_reader, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def proxy(host: str, port: int) -> AsyncIterator[Proxy]:
    between = Proxy(host, port)
    server = await asyncio.start_server(between.accept, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        between.resume()
        await between.hang_up()

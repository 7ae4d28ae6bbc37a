"""The parts of a system as processes of their own, and a wire between two that can fail without anybody noticing."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import ROOT


@dataclass
class Part:
    """One `chat serve` of one part, and what it said when it was ready."""

    process: subprocess.Popen[str]
    said: str

    @property
    def grpc(self) -> str:
        return self._found(r"^grpc +(\S+)$")

    @property
    def http(self) -> str:
        return self._found(r"ready: (\S+)")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Does nothing meanwhile, though its connections stand."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _found(self, pattern: str) -> str:
        match = re.search(pattern, self.said, re.MULTILINE)
        assert match, self.said
        return match[1]


def launch(part: str, data: Path, **settings: str) -> Part:
    """Starts a part over the data in `data`, on free ports where `settings` name none. Ending it is the caller's."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(path) for path in (ROOT, ROOT / "gen")),
        "CHAT_DATA": str(data),
        **dict.fromkeys(("CHAT_HTTP", "CHAT_GRPC", "CHAT_ADMIN"), "127.0.0.1:0"),
        "CHAT_LIMITS": "off",
        **settings,
    }
    command = [sys.executable, "-m", "cli.main", "serve", part]
    errors = data.parent / f"{part}.log"
    with errors.open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    said = ""
    while "admin " not in said:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{part} ended: {said}{errors.read_text()}")
        said += line
    return Part(process, said)


@contextmanager
def serving(part: str, data: Path, **settings: str) -> Iterator[Part]:
    """Starts a part over the data in `data` on free ports; ends it with the block."""
    started = launch(part, data, **settings)
    try:
        yield started
    finally:
        started.process.terminate()
        started.process.communicate(timeout=30)


class Wire:
    """Carries bytes to `host:port`, until it is told to fail."""

    def __init__(self, target: str) -> None:
        self._host, _, self._port = target.rpartition(":")
        self._ways: set[Way] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.lasts_s: float | None = None
        """How long a connection lasts; None for as long as its ends like."""

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[str]:
        """Where it takes connections."""
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        try:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def swallow(self) -> None:
        """From now on nothing comes through the connections that there are; new ones are good."""
        for way in self._ways:
            way.open.clear()

    def cut(self) -> None:
        """Ends the connections that there are."""
        for way in list(self._ways):
            way.cut()

    def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = Way(writer, *await asyncio.open_connection(self._host, int(self._port)))
        self._ways.add(way)
        try:
            async with asyncio.timeout(self.lasts_s):
                await asyncio.gather(way.carry(reader, way.back), way.carry(way.there, writer))
        except TimeoutError:
            pass
        finally:
            way.cut()
            self._ways.discard(way)


class Way:
    """One connection."""

    def __init__(self, near: asyncio.StreamWriter, there: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self.near, self.there, self.back = near, there, back
        self.open = asyncio.Event()
        self.open.set()

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await self.open.wait()
                sink.write(data)
                await sink.drain()
        sink.close()

    def cut(self) -> None:
        self.near.close()
        self.back.close()

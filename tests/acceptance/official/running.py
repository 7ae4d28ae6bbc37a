"""A program that runs: commands go in, answers and events come out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import orjson

MAX_LINE = 64 << 20


class Device:
    """One socket of a program, and what it was told, in order."""

    def __init__(self, running: "Running", name: str) -> None:
        self._running, self._name = running, name
        self.events: list[tuple[str, Any]] = []
        self.changed = asyncio.Event()

    async def connect(self, url: str, auth: Any, transports: Sequence[str]) -> None:
        await self._do("connect", url=url, auth=auth, transports=transports)

    async def connect_again_with(self, auth: Any) -> None:
        await self._do("auth", auth=auth)

    async def emit(self, event: str, data: Any) -> dict[str, Any]:
        """The acknowledgement. Raises ConnectionError when the client says that there is none."""
        answer: dict[str, Any] = await self._do("emit", event=event, data=data)
        return answer

    async def close(self) -> None:
        await self._do("close")

    async def until(self, holds: Callable[[], Any], within_s: float = 30.0) -> Any:
        """What `holds` gives once that is true; it is asked after each event. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not (found := holds()):
                self.changed.clear()
                await self.changed.wait()
            return found

    async def told(self, event: str, after: int = 0) -> Any:
        """The data of the first such event among those from the place `after` on."""
        return (await self.until(lambda: self.named(event, after)))[0]

    def named(self, event: str, after: int = 0) -> list[Any]:
        return [data for name, data in self.events[after:] if name == event]

    async def _do(self, operation: str, **arguments: Any) -> Any:
        return await self._running.do(operation, self._name, **arguments)


class Running:
    """The process. Commands may overlap."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ids = count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._devices: dict[str, Device] = {}

    def device(self, name: str) -> Device:
        device = self._devices[name] = Device(self, name)
        return device

    async def do(self, operation: str, socket: str, **arguments: Any) -> Any:
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        command = {"id": number, "op": operation, "socket": socket, **arguments}
        self._process.stdin.write(orjson.dumps(command) + b"\n")
        await self._process.stdin.drain()
        return await future

    async def read(self) -> None:
        """Takes what it says until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = orjson.loads(line)
            if "id" in said:
                self._answer(said)
            else:
                device = self._devices[said["socket"]]
                device.events.append((said["event"], said["data"]))
                device.changed.set()
        for future in self._waiting.values():
            future.set_exception(ConnectionError("the program ended"))

    def _answer(self, said: dict[str, Any]) -> None:
        future = self._waiting.pop(said["id"])
        if "error" in said:
            future.set_exception(ConnectionError(said["error"]))
        else:
            future.set_result(said["answer"])


@asynccontextmanager
async def start(command: Sequence[str | Path]) -> AsyncIterator[Running]:
    """Runs a program until the block is left."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=MAX_LINE)
    running = Running(process)
    reader = asyncio.create_task(running.read())
    try:
        yield running
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await reader
        await process.wait()

"""A bounded pipe between one writer and one reader: the flow control of a stream inside one process."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

LIMIT = 16
"""Messages that may wait for the reader."""


class Pipe(Generic[T]):
    """`finish` is the writer's end: what waits is still read. `close` is the call's end for both."""

    __slots__ = ("_changed", "_closed", "_finished", "_items")

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._finished = self._closed = False
        self._changed: asyncio.Future[None] | None = None

    async def put(self, item: T) -> bool:
        """Waits for room and appends. False when the pipe is closed."""
        while len(self._items) >= LIMIT and not self._closed:
            await self._wait()
        if self._closed:
            return False
        self._items.append(item)
        self._notify()
        return True

    async def get(self) -> T | None:
        """The next item; None at the end."""
        while not self._items and not self._finished and not self._closed:
            await self._wait()
        if not self._items:
            return None
        item = self._items.popleft()
        self._notify()
        return item

    def finish(self) -> None:
        self._finished = True
        self._notify()

    def close(self) -> None:
        self._closed = True
        self._notify()

    async def _wait(self) -> None:
        # Writer and reader never wait at once: one needs room, the other an item.
        self._changed = asyncio.get_running_loop().create_future()
        await self._changed

    def _notify(self) -> None:
        if self._changed and not self._changed.done():
            self._changed.set_result(None)

"""What waits to be written to one stream: bounded, and filled without ever waiting for the reader."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from mesh.errors import Error
from services.message.feed.domain import slow_consumer

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds up to `max_items` of up to `max_bytes` together. One that overflows loses them, and its reader is told."""

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._error: Error | None = None
        self.is_open = True
        """Whether anything more can reach the reader."""

    def put(self, item: T, size: int) -> None:
        """Adds an item of about `size` bytes. Does nothing once the mailbox is not open."""
        if not self.is_open:
            return
        if len(self._items) >= self._max_items or self._bytes + size > self._max_bytes:
            self.cut(slow_consumer())
        else:
            self._items.append((item, size))
            self._bytes += size
            self._changed.set()

    def close(self, error: Error | None = None) -> None:
        """Ends the reader, with `error` if given, once it has taken what is there."""
        if self.is_open:
            self.is_open = False
            self._error = error
            self._changed.set()

    def cut(self, error: Error) -> None:
        """Ends the reader with `error` at once; what is there is lost."""
        self._items.clear()
        self._bytes, self.is_open, self._error = 0, False, error
        self._changed.set()

    def empty(self) -> None:
        """Forgets what is there, which the reader knows otherwise."""
        self._items.clear()
        self._bytes = 0

    async def take(self, max_bytes: int) -> list[T]:
        """What is there, at least one item and about `max_bytes`; waits for it. Empty at the end.

        Raises Exhausted (SLOW_CONSUMER) after an overflow, or what the mailbox was closed or cut with.
        """
        while not self._items and self.is_open:
            self._changed.clear()
            await self._changed.wait()
        if not self._items and self._error is not None:
            raise self._error
        taken: list[T] = []
        size = 0
        while self._items and (not taken or size + self._items[0][1] <= max_bytes):
            item, item_size = self._items.popleft()
            taken.append(item)
            size += item_size
        self._bytes -= size
        return taken

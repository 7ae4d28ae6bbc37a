"""The bus inside one process. It keeps nothing: the outbox is its memory.

`publish` hands the events to the groups itself and returns when each group has handled or buried each of them. A row of
the outbox that is not marked was therefore not handled by all, and comes again after a crash. There is no queue to
overflow: publishers wait. Publish to this bus through an outbox only, never from a handler.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from mesh.errors import Unavailable
from mesh.events.bus import Event, Handler
from mesh.events.delivery import Delivery, Retry


class LocalBus:
    """A `Bus` whose consumers all live in this process. `dead_letter` keeps an event, on disk when it returns.

    A group is known once it has consumed. Groups that come later do not see what was published before; those of
    `expected` are known from the start, and waited for.
    """

    def __init__(self, dead_letter: Handler, retry: Retry | None = None, *, expected: Collection[str] = ()) -> None:
        self._dead_letter = dead_letter
        self._retry = retry or Retry()
        self._groups = {name: _Group(name) for name in expected}

    async def publish(self, events: Sequence[Event]) -> None:
        """Raises Unavailable (UNAVAILABLE) when a known group is away."""
        groups = list(self._groups.values())
        # All come to an end before this returns: an error in one group must not leave another at work behind our back.
        results = await asyncio.gather(*(group.take(events) for group in groups), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def is_heard(self, topics: Collection[str]) -> bool:
        return any(group.may_hear(topics) for group in self._groups.values())

    @asynccontextmanager
    async def consume(self, group: str, topics: Collection[str], handler: Handler) -> AsyncIterator[None]:
        """Raises ValueError when somebody in this process consumes for the group already."""
        known = self._groups.setdefault(group, _Group(group))
        known.join(frozenset(topics), Delivery(group, handler, self._dead_letter, self._retry))
        try:
            yield
        finally:
            await known.leave()


class _Group:
    def __init__(self, name: str) -> None:
        self._name = name
        self._topics: frozenset[str] = frozenset()
        self._delivery: Delivery | None = None
        self._joined = asyncio.Event()
        self._turn = asyncio.Lock()  # First come, first served: keeps the order of each publisher.

    def join(self, topics: frozenset[str], delivery: Delivery) -> None:
        if self._delivery is not None:
            raise ValueError(f"group {self._name} is consumed already")
        self._topics, self._delivery = topics, delivery
        self._joined.set()

    def may_hear(self, topics: Collection[str]) -> bool:
        """What a group wants is not known before it has come."""
        return not self._joined.is_set() or not self._topics.isdisjoint(topics)

    async def leave(self) -> None:
        async with self._turn:
            self._delivery = None

    async def take(self, events: Sequence[Event]) -> None:
        await self._joined.wait()
        for event in events:
            if event.topic in self._topics:
                async with self._turn:
                    if self._delivery is None:
                        raise Unavailable("UNAVAILABLE", f"Nobody consumes for the group {self._name} now.")
                    await self._delivery(event)

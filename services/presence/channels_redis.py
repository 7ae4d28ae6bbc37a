"""Who is told of whom over Redis: a process hears of the users that it watches, and of no others."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from services.presence.store import Bells

BATCH = 1_000
SILENCE_S = 5.0
"""After it Redis is asked whether it is still there; it has as long again to answer."""
RETRY_S = 0.5
AGAIN_S = 0.1

log = structlog.get_logger(__name__)


class Channels:
    """One channel for each user, named `prefix` and the user's id. Nothing is heard but within `listening`."""

    def __init__(self, redis: Redis, prefix: str, bells: Bells) -> None:
        self._redis, self._prefix, self._bells = redis, prefix, bells
        self._wanted: set[str] = set()
        self._changes: dict[str, bool] = {}
        """By user, whether to be told of them: what Redis has not heard yet."""
        self._wake = asyncio.Event()

    def watch(self, user_ids: Collection[str]) -> None:
        self._wanted.update(user_ids)
        self._change(user_ids, True)

    def unwatch(self, user_ids: Collection[str]) -> None:
        self._wanted.difference_update(user_ids)
        self._change(user_ids, False)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listens until the context is left; begins anew when Redis went away."""
        task = asyncio.create_task(self._run(), name="presence channels")
        try:
            yield
        finally:
            await _end([task])

    async def _run(self) -> None:
        while True:
            self._changes = dict.fromkeys(self._wanted, True)
            self._wake.set()
            pubsub = self._redis.pubsub()
            try:
                await pubsub.subscribe(self._prefix)  # There is always one, which makes it a connection that listens.
                await _first_of(self._listen(pubsub), self._tell(pubsub))
            except Exception as error:
                log.info("presence is not listened for", error=type(error).__name__)
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(RETRY_S)

    def _change(self, user_ids: Collection[str], wanted: bool) -> None:
        self._changes.update(dict.fromkeys(user_ids, wanted))
        self._wake.set()

    async def _listen(self, pubsub: PubSub) -> None:
        asked = False
        while True:
            message = await pubsub.get_message(timeout=SILENCE_S)
            if message is not None:
                asked = False
                self._hear(message)
            elif asked:
                raise TimeoutError("redis is silent")
            else:
                asked = True
                await pubsub.ping()

    def _hear(self, message: dict[str, Any]) -> None:
        user_id = message["channel"].decode().removeprefix(self._prefix) if message["channel"] else ""
        if user_id and message["type"] == "subscribe":
            self._bells.changed(user_id, False)  # What changed before it was so is not missed.
        elif user_id and message["type"] == "message":
            self._bells.changed(user_id, message["data"] == b"1")

    async def _tell(self, pubsub: PubSub) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            changes, self._changes = self._changes, {}
            for wanted, command in ((False, pubsub.unsubscribe), (True, pubsub.subscribe)):
                names = [self._prefix + user_id for user_id, is_wanted in changes.items() if is_wanted == wanted]
                for batch in _batches(names):
                    await command(*batch)


async def _first_of(*works: Any) -> None:
    """Runs all until one ends, then ends the others. Raises what it ended with."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _end(tasks)


async def _end(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancels tasks until they have ended: the driver loses a cancellation that comes while it connects."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)


def _batches(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + BATCH] for start in range(0, len(names), BATCH)]

"""The one writer: whatever waits goes into one transaction, and what arrives meanwhile into the next.

So a lone command is written at once, and a thousand share the cost of one commit. Where many come one by one it takes
them in steps (mesh/pace.py).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import structlog

from mesh.errors import Deadline, Error, Unavailable
from mesh.pace import Pace
from mesh.telemetry.metrics import Metrics
from services.message.command import Command
from services.message.feed.domain import MESSAGE_NEW
from services.message.journal import Journal, Outcome

MAX_WAITING = 10_000
MAX_BATCH = 500
MAX_BATCH_BYTES = 1 << 20

Publish = Callable[[Command, Outcome], None]
"""Told of each outcome, in the order of commits, before whoever waits for it."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Entry:
    command: Command
    future: asyncio.Future[Any]


class Writer:
    """Carries commands out in the order they are submitted. Open with `async with`; leaving it writes what waits."""

    def __init__(self, journal: Journal, publish: Publish, metrics: Metrics) -> None:
        self._journal = journal
        self._publish = publish
        self._metrics = metrics
        self._waiting: deque[_Entry] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._pace = Pace()

    async def __aenter__(self) -> "Writer":
        self._task = asyncio.create_task(self._run(), name="message writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing = True
        self._arrived.set()
        await self._task

    def submit(self, command: Command) -> asyncio.Future[Any]:
        """The future result of a command, done once it is on disk, or refused with a mesh error.

        Cancelling the future does not take the command back. A command whose deadline has passed when its turn comes
        is not written (DEADLINE_EXCEEDED). Raises Unavailable (OVERLOADED, DRAINING) at once when it cannot wait here.
        """
        if self._closing:
            raise Unavailable("DRAINING", "This server is shutting down. Try again.")
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("OVERLOADED", "Too much waits to be written. Try again.", retry_after_s=1)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(command, future))
        self._arrived.set()
        return future

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if self._waiting:
                if not self._closing:
                    await self._pace.turn()
                batch = self._take()
                self._pace.begin(len(batch))
                await self._settle(batch, retry=True)
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def _take(self) -> list[_Entry]:
        batch: list[_Entry] = []
        size = 0
        while self._waiting and len(batch) < MAX_BATCH and size < MAX_BATCH_BYTES:
            batch.append(entry := self._waiting.popleft())
            size += entry.command.size
        return batch

    async def _settle(self, batch: Sequence[_Entry], *, retry: bool) -> None:
        """Commits a batch. One that fails is tried once more, then in halves, so that a poison entry fails alone."""
        batch = _in_time(batch)
        if not batch:
            return
        started = time.perf_counter()
        try:
            outcomes = await self._journal.commit([entry.command for entry in batch])
        except Error as error:  # The store cannot be used now, whatever is written.
            for entry in batch:
                _fail(entry, error)
        except Exception as error:
            log.warning("a batch was rolled back", commands=len(batch), retry=retry, exc_info=error)
            half = len(batch) // 2
            if retry:
                await self._settle(batch, retry=False)
            elif half:
                await self._settle(batch[:half], retry=False)
                await self._settle(batch[half:], retry=False)
            else:
                _fail(batch[0], error)
        else:
            self._count(outcomes, time.perf_counter() - started)
            self._tell(batch, outcomes)

    def _count(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        self._metrics.commit_batch_size.observe(len(outcomes))
        self._metrics.commit_seconds.observe(seconds)
        written = sum(change.type == MESSAGE_NEW for outcome in outcomes for change in outcome.changes)
        self._metrics.messages_committed.inc(written)

    def _tell(self, batch: Sequence[_Entry], outcomes: Sequence[Outcome]) -> None:
        for entry, outcome in zip(batch, outcomes, strict=True):
            try:
                self._publish(entry.command, outcome)
            except Exception:  # It is on disk all the same: readers see the gap and fetch, the writer goes on.
                log.exception("a change was not published", command=type(entry.command).__name__)
        for entry, outcome in zip(batch, outcomes, strict=True):
            if outcome.error is not None:
                _fail(entry, outcome.error)
            elif not entry.future.done():
                entry.future.set_result(outcome.result)


def _in_time(batch: Sequence[_Entry]) -> list[_Entry]:
    now, kept = time.monotonic(), []
    for entry in batch:
        deadline = entry.command.origin.deadline
        if deadline is None or deadline > now:
            kept.append(entry)
        else:
            _fail(entry, Deadline("DEADLINE_EXCEEDED", "The time for this call was over before it was written."))
    return kept


def _fail(entry: _Entry, error: Exception) -> None:
    if not entry.future.done():
        entry.future.set_exception(error)

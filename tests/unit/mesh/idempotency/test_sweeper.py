"""How old idempotency keys are removed."""

import asyncio
from datetime import UTC, datetime

from mesh.idempotency.sweeper import BATCH, sweeping

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


class Store:
    """Has `waiting` old keys, and fails at first when it is told to."""

    def __init__(self, waiting: int, *, failures: int = 0) -> None:
        self.waiting = waiting
        self.failures = failures
        self.asked: list[tuple[datetime, int]] = []
        self.looked = asyncio.Event()

    async def sweep(self, now: datetime, limit: int) -> int:
        self.asked.append((now, limit))
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        swept = min(self.waiting, limit)
        self.waiting -= swept
        if not self.waiting:
            self.looked.set()
        return swept


async def test_all_that_is_old_goes_in_batches() -> None:
    """At once, by the time of the clock; leaving ends the task."""
    store = Store(2 * BATCH + 1)
    async with sweeping(store, clock=lambda: NOW, pause_s=3600):  # type: ignore[arg-type]
        await store.looked.wait()
        [task] = [task for task in asyncio.all_tasks() if task.get_name() == "idempotency sweeper"]
    assert store.asked == [(NOW, BATCH)] * 3
    assert task.cancelled()


async def test_a_failure_is_not_the_end() -> None:
    """The next look comes after the pause."""
    store = Store(1, failures=2)
    async with sweeping(store, clock=lambda: NOW, pause_s=0):  # type: ignore[arg-type]
        await store.looked.wait()
    assert store.waiting == 0

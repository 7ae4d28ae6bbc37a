"""How rows that are over are removed."""

import asyncio
from datetime import UTC, datetime

from mesh.sweeper import BATCH, sweeping

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


class Table:
    """Has rows that are over, and fails at first when it is told to."""

    def __init__(self, rows: int, *, failures: int = 0) -> None:
        self.rows = rows
        self.failures = failures
        self.asked: list[tuple[datetime, int]] = []
        self.empty = asyncio.Event()

    async def sweep(self, now: datetime, limit: int) -> int:
        self.asked.append((now, limit))
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        swept = min(self.rows, limit)
        self.rows -= swept
        if not self.rows:
            self.empty.set()
        return swept


async def test_all_that_is_over_goes_in_batches() -> None:
    """From every table, by the time of the clock; leaving ends the task."""
    first, second = Table(2 * BATCH + 1), Table(1)
    async with sweeping([first.sweep, second.sweep], clock=lambda: NOW, pause_s=3600):
        await second.empty.wait()
        [task] = [task for task in asyncio.all_tasks() if task.get_name() == "sweeper"]
    assert (first.asked, second.asked) == ([(NOW, BATCH)] * 3, [(NOW, BATCH)])
    assert task.cancelled()


async def test_a_failure_is_not_the_end() -> None:
    """The other tables are swept, and this one after the pause."""
    failing, other = Table(1, failures=2), Table(1)
    async with sweeping([failing.sweep, other.sweep], clock=lambda: NOW, pause_s=0):
        await other.empty.wait()
        await failing.empty.wait()
    assert (failing.rows, other.rows) == (0, 0)

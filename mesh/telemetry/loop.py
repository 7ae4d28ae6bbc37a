"""Watches the event loop: whoever blocks it makes every request of this process wait."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from mesh.background import background

INTERVAL_S = 0.1
STALL_S = 0.2

log = structlog.get_logger()


@asynccontextmanager
async def watch_loop(
    *observers: Callable[[float], object],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[None]:
    """Tells `observers` ten times a second by how many seconds a timer was late, and logs when it was STALL_S."""
    async with background(_watch(observers, clock, sleep), "watch-loop"):
        yield


async def _watch(
    observers: Sequence[Callable[[float], object]],
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    while True:
        start = clock()
        await sleep(INTERVAL_S)
        late = max(0.0, clock() - start - INTERVAL_S)
        for observe in observers:
            observe(late)
        if late >= STALL_S:
            log.warning("the event loop was blocked", seconds=round(late, 3))

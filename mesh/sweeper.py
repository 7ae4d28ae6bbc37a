"""Removes rows that are over, a few at a time: nobody asks for them any more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import structlog

from mesh.background import background

Sweep = Callable[[datetime, int], Awaitable[int]]
"""Removes up to so many rows that are over at a moment; answers how many."""

PAUSE_S = 60.0
BATCH = 500

log = structlog.get_logger(__name__)


@asynccontextmanager
async def sweeping(
    sweeps: Sequence[Sweep], *, clock: Callable[[], datetime], pause_s: float = PAUSE_S
) -> AsyncIterator[None]:
    """Sweeps until the context is left."""
    async with background(_run(sweeps, clock, pause_s), "sweeper"):
        yield


async def _run(sweeps: Sequence[Sweep], clock: Callable[[], datetime], pause_s: float) -> None:
    while True:
        for sweep in sweeps:
            try:
                while await sweep(clock(), BATCH) == BATCH:
                    await asyncio.sleep(0)
            except Exception as error:
                log.warning("rows that are over stay", exc_info=error)
        await asyncio.sleep(pause_s)

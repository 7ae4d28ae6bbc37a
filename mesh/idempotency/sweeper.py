"""Removes idempotency keys that are forgotten, a few at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import structlog

from mesh.idempotency.store import IdempotencyStore

PAUSE_S = 60.0
BATCH = 500

log = structlog.get_logger(__name__)


@asynccontextmanager
async def sweeping(
    store: IdempotencyStore, *, clock: Callable[[], datetime], pause_s: float = PAUSE_S
) -> AsyncIterator[None]:
    """Sweeps `store` until the context is left."""
    task = asyncio.create_task(_sweep(store, clock, pause_s), name="idempotency sweeper")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _sweep(store: IdempotencyStore, clock: Callable[[], datetime], pause_s: float) -> None:
    while True:
        try:
            while await store.sweep(clock(), BATCH) == BATCH:
                await asyncio.sleep(0)
        except Exception as error:
            log.warning("old idempotency keys stay", exc_info=error)
        await asyncio.sleep(pause_s)

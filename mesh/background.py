"""Work that goes on beside something, and ends with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any


@asynccontextmanager
async def background(work: Coroutine[Any, Any, object], name: str) -> AsyncIterator[None]:
    """Runs `work`, which ends only when it is cancelled, until the context is left. Raises then what it failed with."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

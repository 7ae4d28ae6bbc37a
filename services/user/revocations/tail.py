"""Where the log of revocations ends: looked up when this process has written, and every second for the others."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from mesh.background import background
from mesh.errors import Unavailable, draining
from mesh.waiting import wait
from services.user.revocations.store import RevocationStore

LOOK_S = 1.0
PAUSE_S = 0.02
"""Between two looks, however much is written."""
STALE_S = 3.0

log = structlog.get_logger(__name__)


class Tail:
    """One look serves all who wait. `clock` gives monotonic seconds."""

    def __init__(
        self, store: RevocationStore, *, look_s: float = LOOK_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._look_s = look_s
        self._clock = clock
        self._position = 0
        self._looked_at = clock()
        self._woken = asyncio.Event()
        self._moved = asyncio.Event()
        self._draining = False
        self._failed = False

    def wake(self) -> None:
        """Something was written: looks soon."""
        self._woken.set()

    def drain(self) -> None:
        """Ends all waiting."""
        self._draining = True
        self._moved.set()

    async def beyond(self, position: int, wait_s: float) -> bool:
        """Whether the log goes on after `position`; waits up to `wait_s` for that.

        Raises Unavailable (DRAINING, UNAVAILABLE) when this process ends, or cannot tell.
        """
        if self._position <= position:
            await wait(self._moved, wait_s)
        if self._draining:
            raise draining()
        if self._clock() - self._looked_at > self._look_s + STALE_S:
            # Who waits must not take silence of ours for peace.
            raise Unavailable("UNAVAILABLE", "The log of revocations cannot be read now.", retry_after_s=1)
        return self._position > position

    async def look(self) -> None:
        """Keeps the position until it is cancelled."""
        while True:
            self._woken.clear()
            try:
                self._move(await self._store.position())
            except Exception as error:
                if not self._failed:  # Once, not every second.
                    log.warning("the log of revocations cannot be read", exc_info=error)
                self._failed = True
            await asyncio.sleep(PAUSE_S)
            await wait(self._woken, self._look_s)

    def _move(self, position: int) -> None:
        self._looked_at = self._clock()
        if self._failed:
            log.info("the log of revocations is read again")
            self._failed = False
        if position != self._position:
            self._position = position
            self._moved.set()
            self._moved = asyncio.Event()


@asynccontextmanager
async def looking(tail: Tail) -> AsyncIterator[None]:
    """Keeps the tail up to date until the context is left."""
    async with background(tail.look(), "revocations"):
        yield

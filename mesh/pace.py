"""When a loop takes what has arrived: at once while that is little, in steps while it is much."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from math import exp
from typing import Final

STEP_S: Final = 0.02
"""The least time between two beginnings while there is much to do, and so the most that anything waits for it."""
WORTH: Final = 2
"""So many in a step are worth waiting for."""
MEMORY_S: Final = 0.1
"""How long what has come tells what will come."""
TRIES: Final = 5
"""Waits in vain until it gives up: who comes alone then, comes only after the one before was done."""
REST_S: Final = 1.0
"""Until it tries again."""


class Pace:
    """What is done for one costs nearly as much as what is done for several that come together.

    Whoever is alone waits for nobody. `clock` tells seconds, `sleep` waits for some.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._began = float("-inf")
        self._recent = 0.0
        """What was begun, each counted less the longer ago."""
        self._waited = False
        self._in_vain = 0
        self._rests_until = float("-inf")

    async def turn(self) -> None:
        """Waits until it is time to begin anew."""
        now = self._clock()
        rest_s = self._began + STEP_S - now
        self._waited = rest_s > 0 and now >= self._rests_until and self._left(now) >= WORTH * MEMORY_S / STEP_S
        if self._waited:
            await self._sleep(rest_s)

    def begin(self, count: int) -> None:
        """So many are begun now."""
        now = self._clock()
        self._recent = self._left(now) + count
        self._began = now
        if self._waited:
            self._in_vain = self._in_vain + 1 if count < WORTH else 0
        if self._in_vain == TRIES:
            self._in_vain, self._rests_until = 0, now + REST_S

    def _left(self, now: float) -> float:
        return self._recent * exp((self._began - now) / MEMORY_S)

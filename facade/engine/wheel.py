"""A timing wheel: whatever is to happen later, to however many sockets, waits in here for one timer."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

TICK_S = 1.0


class Wheel:
    """Calls what it is given within a tick after its time; never before it. `clock` gives seconds that only grow."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots: defaultdict[int, list[Callable[[], None]]] = defaultdict(list)
        self._turned = int(clock() / TICK_S)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Has `call` called once. It cannot be taken back: what is called looks whether there is still reason to."""
        slot = int((self._clock() + seconds) / TICK_S) + 1
        self._slots[max(slot, self._turned + 1)].append(call)

    def turn(self) -> None:
        """Calls all that is due by now."""
        now = int(self._clock() / TICK_S)
        while self._turned < now:
            self._turned += 1
            for call in self._slots.pop(self._turned, ()):
                try:
                    call()
                except Exception:
                    log.exception("a timed call failed")

    async def run(self) -> None:
        """Turns until it is cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            self.turn()

"""Who may come in: nobody while this server goes away, and no more at once than can be let in soon.

Those who are refused here cost next to nothing, and their clients come again by themselves.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from mesh.errors import Unavailable, draining

MAX_OPENING: Final = 1_000
"""Sockets that are open for nobody yet."""
AT_ONCE: Final = 64
"""Sockets whose users are looked up at the same time. The others wait in turn, while those who are in are served."""
RETRY_S: Final = (1.0, 5.0)
"""When to come again, so that those who came together do not come together again."""


class Door:
    """`opening` counts the sockets that are open for nobody yet."""

    def __init__(self, opening: Callable[[], int]) -> None:
        self._opening = opening
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._is_shut = False

    def shut(self) -> None:
        """This server goes away."""
        self._is_shut = True

    def check(self) -> None:
        """Raises Unavailable (DRAINING, OVERLOADED) for a socket that cannot be opened now."""
        if self._is_shut:
            raise draining(retry_after_s=1)
        if self._opening() >= MAX_OPENING:
            wait_s = random.uniform(*RETRY_S)  # noqa: S311
            raise Unavailable("OVERLOADED", "Too many connect at once. Try again.", retry_after_s=round(wait_s))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until it is one's turn to be let in."""
        async with self._turns:
            yield

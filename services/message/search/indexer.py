"""Keeps the index up to date, beside everything else: what is committed only wakes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from mesh.background import background
from mesh.events.backoff import Backoff
from mesh.waiting import wait
from services.message.feed.domain import Change
from services.message.journal import Outcome
from services.message.search.index import Index, Key

GATHER_S = 0.5
"""What is committed within it is taken in together."""
SWEEP_S = 600.0
"""How often it looks for what a process left behind that is gone."""
PAGE = 500
AT_ONCE = 50
"""Conversations that share a transaction."""

log = structlog.get_logger(__name__)


class Indexer:
    """At its start, and now and then, it looks through all conversations for what is not in the index."""

    def __init__(
        self,
        index: Index,
        *,
        gather_s: float = GATHER_S,
        sweep_s: float = SWEEP_S,
        backoff: Backoff | None = None,
    ) -> None:
        self._index = index
        self._gather_s = gather_s
        self._sweep_s = sweep_s
        self._backoff = backoff or Backoff()
        self._dirty: dict[Key, None] = {}
        self._woken = asyncio.Event()

    def note(self, outcome: Outcome) -> None:
        """Takes what was committed. Costs next to nothing."""
        for change in outcome.changes:
            self.see(change)

    def see(self, change: Change) -> None:
        """Takes a change that is committed, here or by another process."""
        if change.pos:
            self._dirty[change.origin.workspace_id, change.conversation_id] = None
            self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs until the context is left. What is not in the index then gets there after the next start."""
        async with background(self._run(), "indexer"):
            yield

    async def _run(self) -> None:
        failures, swept_at = 0, float("-inf")
        now = asyncio.get_running_loop().time
        while True:
            try:
                if now() - swept_at >= self._sweep_s:
                    await self._sweep()
                    swept_at = now()
                await self._advance()
            except Exception as error:
                failures += 1
                log.warning("messages are not in the index yet", failures=failures, exc_info=error)
                await asyncio.sleep(self._backoff.delay_s(failures))
                continue
            failures = 0
            if await wait(self._woken, max(swept_at + self._sweep_s - now(), 0)):
                await asyncio.sleep(self._gather_s)

    async def _sweep(self) -> None:
        """Finds what was left, whoever left it."""
        found = await self._index.dirty("", PAGE)
        while found:
            self._dirty.update(dict.fromkeys(found))
            await self._advance()
            found = await self._index.dirty(found[-1][1], PAGE)

    async def _advance(self) -> None:
        """A step in some conversations, then in the next ones: a long log keeps no short one waiting."""
        while self._dirty:
            keys = list(self._dirty)[:AT_ONCE]
            for key in keys:
                del self._dirty[key]
            try:
                left = await self._index.advance(keys)
            except BaseException:
                self._dirty.update(dict.fromkeys(keys))
                raise
            self._dirty.update(dict.fromkeys(left))
        self._woken.clear()

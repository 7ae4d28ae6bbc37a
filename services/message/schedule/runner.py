"""Writes planned messages when their time has come. It sleeps until then, or until a plan is changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import structlog

from mesh.background import background
from mesh.errors import Error
from mesh.events.backoff import Backoff
from mesh.waiting import wait
from services.message.command import Origin
from services.message.schedule.domain import FailScheduled, Scheduled
from services.message.schedule.store import ScheduleStore
from services.message.schedule.wire import due_command
from services.message.writer import Writer

BATCH = 100
LOOK_S = 60.0
"""How long it sleeps at most: another process may have planned something and be gone, and clocks are set."""

log = structlog.get_logger(__name__)


class Runner:
    """`clock` tells the time, aware and in UTC. What cannot be written for now is tried again; what a rule refuses
    has failed. Several processes may run one: a message is written by whoever comes first.
    """

    def __init__(
        self,
        store: ScheduleStore,
        writer: Writer,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        look_s: float = LOOK_S,
        backoff: Backoff | None = None,
    ) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._new_id = new_id
        self._look_s = look_s
        self._backoff = backoff or Backoff()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Says that there is something new to wait for."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs until the context is left. What is due then is written after the next start."""
        async with background(self._run(), "scheduled messages"):
            yield

    async def _run(self) -> None:
        failures = 0
        while True:
            self._woken.clear()
            try:
                tried = await self._send_due()
                left_s = 0.0 if tried == BATCH else await self._left_s()
            except Exception as error:
                failures += 1
                log.warning("planned messages have to wait", failures=failures, exc_info=error)
                # Not cut short by a wake-up: while the store cannot be used each would be one more try.
                await asyncio.sleep(self._backoff.delay_s(failures))
                continue
            failures = 0
            if left_s > 0:
                await wait(self._woken, min(left_s, self._look_s))

    async def _send_due(self) -> int:
        plans = await self._store.due(self._clock(), BATCH)
        results = await asyncio.gather(*[self._send(plan) for plan in plans], return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(plans)

    async def _send(self, plan: Scheduled) -> None:
        """Raises what passes by itself, such as Unavailable."""
        try:
            await self._writer.submit(due_command(plan, self._new_id()))
        except Error as error:
            if error.retryable:
                raise
            await self._fail(plan, error.reason)
        except Exception as error:
            log.error("a planned message cannot be written", scheduled_id=plan.id, exc_info=error)
            await self._fail(plan, "INTERNAL")

    async def _fail(self, plan: Scheduled, reason: str) -> None:
        await self._writer.submit(FailScheduled(Origin(plan.user_id, plan.workspace_id), plan, reason))

    async def _left_s(self) -> float:
        next_at = await self._store.next_at()
        return LOOK_S if next_at is None else (next_at - self._clock()).total_seconds()

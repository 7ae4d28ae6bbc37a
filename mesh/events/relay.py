"""Carries committed events from an outbox to the bus: in order, at least once, soon after each commit."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog
from opentelemetry.trace import Span, SpanKind, StatusCode

from mesh.errors import Unavailable
from mesh.events.backoff import Backoff
from mesh.events.bus import Bus
from mesh.events.envelope import to_event
from mesh.events.outbox import Outbox, OutboxRow
from mesh.telemetry import tracing
from mesh.waiting import wait

BATCH = 200
GATHER_S = 0.05
SWEEP_S = 1.0
DRAIN_S = 5.0

log = structlog.get_logger()


class OutboxRelay:
    """Publishes the rows of `outbox` while its context is open. `source` is the `ce_source`, as `/chat/message`.

    Rows are marked after the bus accepted them; what is lost between the two is published again. It looks `gather_s`
    seconds after it was woken, and every `sweep_s` seconds, for rows that somebody else committed. Leaving the context
    publishes what waits, for `drain_s` seconds at most; the rest stays in the outbox. `waiting` is told how many rows
    each look found.
    """

    def __init__(
        self,
        outbox: Outbox,
        bus: Bus,
        source: str,
        *,
        gather_s: float = GATHER_S,
        sweep_s: float = SWEEP_S,
        drain_s: float = DRAIN_S,
        backoff: Backoff | None = None,
        waiting: Callable[[int], object] = lambda rows: None,
    ) -> None:
        self._outbox = outbox
        self._bus = bus
        self._source = source
        self._gather_s = gather_s
        self._sweep_s = sweep_s
        self._drain_s = drain_s
        self._backoff = backoff or Backoff()
        self._waiting = waiting
        self._woken = asyncio.Event()
        self._closing = asyncio.Event()

    def wake(self) -> None:
        """Says that something was committed. Costs nothing; many calls at once are one look."""
        self._woken.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"relay {self._source}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._woken.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_s):
                await self._task

    async def _run(self) -> None:
        failures = 0
        while True:
            self._woken.clear()
            last = self._closing.is_set()  # Asked before the look, so that the last look begins after the last commit.
            try:
                found = await self._publish_batch()
            except Exception as error:
                if last:
                    trouble = None if isinstance(error, Unavailable) else error  # Who consumes may be closed already.
                    log.warning("events stay in the outbox", source=self._source, error=str(error), exc_info=trouble)
                    return
                failures += 1
                log.warning("events were not published", source=self._source, failures=failures, exc_info=error)
                # Not cut short by a commit: under load that would be no pause at all.
                await wait(self._closing, self._backoff.delay_s(failures))
                continue
            failures = 0
            if found >= BATCH:
                continue
            if last:
                return
            await wait(self._woken, self._sweep_s)
            # One look for what is committed within a moment: a look per commit costs a third of the process's CPU.
            await wait(self._closing, self._gather_s)

    async def _publish_batch(self) -> int:
        rows = await self._outbox.unpublished(BATCH)
        self._waiting(len(rows))
        if rows:
            await self._publish(rows)
            await self._outbox.mark_published([row.id for row in rows])
        return len(rows)

    async def _publish(self, rows: Sequence[OutboxRow]) -> None:
        spans = [_span(row) for row in rows]
        try:
            await self._bus.publish(
                [to_event(row, self._source, tracing.traceparent(span)) for row, span in zip(rows, spans, strict=True)]
            )
        except BaseException as error:
            for span in spans:
                span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            for span in spans:
                span.end()


def _span(row: OutboxRow) -> Span:
    return tracing.tracer().start_span(
        f"send {row.topic}",
        context=tracing.extract((("traceparent", row.traceparent),)),
        kind=SpanKind.PRODUCER,
        attributes={
            "messaging.operation.type": "send",
            "messaging.destination.name": row.topic,
            "messaging.message.id": row.event_id,
        },
    )

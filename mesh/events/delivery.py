"""What happens to one event in one group, over whatever bus it came: span, correlation id, tries, dead letter."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from opentelemetry.trace import Span, SpanKind, StatusCode

from mesh.call.context import RequestContext, bind, unbind
from mesh.events.backoff import Backoff
from mesh.events.bus import DEAD_LETTERS, Event, Handler
from mesh.telemetry import tracing

ATTEMPTS = 5
MAX_REASON = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a handler is tried, and what passes between the tries."""

    attempts: int = ATTEMPTS
    backoff: Backoff = field(default_factory=Backoff)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Delivery:
    """Brings events to the handler of `group`; those that it cannot handle go to `dead_letter`, which keeps them."""

    def __init__(self, group: str, handler: Handler, dead_letter: Handler, retry: Retry) -> None:
        self._group = group
        self._handler = handler
        self._dead_letter = dead_letter
        self._retry = retry

    async def __call__(self, event: Event) -> None:
        """Returns when the event is handled or kept as a dead letter. Raises only what `dead_letter` raises."""
        with _context(event, self._group) as span:
            failure = await self._handle(event)
            if failure is None:
                return
            reason = _text(failure)
            span.set_status(StatusCode.ERROR, reason)
            await self._dead_letter(self._buried(event, reason))
            log.error("an event became a dead letter", **self._fields(event), exc_info=failure)

    async def _handle(self, event: Event) -> Exception | None:
        """None, or what the last try raised."""
        attempt = 1
        while True:
            try:
                await self._handler(event)
                return None
            except Exception as error:
                if attempt >= self._retry.attempts:
                    return error
                log.warning("an event was not handled", **self._fields(event), attempt=attempt, error=_text(error))
            await self._retry.sleep(self._retry.backoff.delay_s(attempt))
            attempt += 1

    def _buried(self, event: Event, reason: str) -> Event:
        notes = {"dlt-group": self._group, "dlt-reason": reason, "dlt-attempts": str(self._retry.attempts)}
        return Event(event.topic + DEAD_LETTERS, event.key, {**event.headers, **notes}, event.value)

    def _fields(self, event: Event) -> dict[str, str]:
        return {
            "group": self._group,
            "topic": event.topic,
            "type": event.headers.get("ce_type", ""),
            "event_id": event.headers.get("ce_id", ""),
        }


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_REASON]


@contextmanager
def _context(event: Event, group: str) -> Iterator[Span]:
    bound = bind(RequestContext(correlation_id=event.headers.get("correlationid", "")))
    try:
        with tracing.tracer().start_as_current_span(
            f"process {event.topic}",
            context=tracing.extract(event.headers.items()),
            kind=SpanKind.CONSUMER,
            attributes={
                "messaging.operation.type": "process",
                "messaging.destination.name": event.topic,
                "messaging.consumer.group.name": group,
                "messaging.message.id": event.headers.get("ce_id", ""),
            },
        ) as span:
            yield span
    finally:
        unbind(bound)

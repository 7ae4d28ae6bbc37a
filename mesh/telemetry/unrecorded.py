"""Spans that are nothing but ids, for a process whose traces nobody looks at: they are still made and passed on."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import getrandbits
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext


class Unrecorded(trace.Tracer):
    """What a tracer of the SDK does that samples nothing, in a fraction of the time."""

    def start_span(self, name: str, context: Context | None = None, *_: Any, **__: Any) -> Span:
        parent = trace.get_current_span(context).get_span_context()
        if parent.is_valid:
            return NonRecordingSpan(SpanContext(parent.trace_id, _bits(64), False, trace_state=parent.trace_state))
        return NonRecordingSpan(SpanContext(_bits(128), _bits(64), False))

    @contextmanager
    def start_as_current_span(  # type: ignore[override]
        self, name: str, context: Context | None = None, *_: Any, **__: Any
    ) -> Iterator[Span]:
        with trace.use_span(self.start_span(name, context), record_exception=False) as span:
            yield span


def _bits(count: int) -> int:
    return getrandbits(count) or 1  # Zero is no id.

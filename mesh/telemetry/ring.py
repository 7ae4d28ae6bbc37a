"""The last traces of this process, in memory: enough to look at a request without a tracing back end."""

import threading
from collections import OrderedDict
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import format_span_id

MAX_TRACES = 512
MAX_SPANS = 128


class TraceRing(SpanProcessor):
    """Keeps the newest `max_traces` traces, with the first `max_spans` of each that ended. Safe between threads."""

    def __init__(self, max_traces: int = MAX_TRACES, max_spans: int = MAX_SPANS) -> None:
        self._max_traces = max_traces
        self._max_spans = max_spans
        self._traces: OrderedDict[int, list[ReadableSpan]] = OrderedDict()
        self._lock = threading.Lock()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """A span is kept when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        trace_id = span.context.trace_id
        with self._lock:
            spans = self._traces.get(trace_id)
            if spans is None:
                if len(self._traces) >= self._max_traces:
                    self._traces.popitem(last=False)
                spans = self._traces[trace_id] = []
            if len(spans) < self._max_spans:
                spans.append(span)

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """The spans of a trace by start; empty when it is not known. Times are microseconds (since the epoch)."""
        try:
            key = int(trace_id, 16)
        except ValueError:
            return []
        with self._lock:
            spans = list(self._traces.get(key, ()))
        return sorted((_as_dict(span) for span in spans), key=lambda span: int(span["start_us"]))

    def trace_ids(self) -> list[str]:
        """The traces that are kept, newest first, as 32 hex digits."""
        with self._lock:
            return [f"{trace_id:032x}" for trace_id in reversed(self._traces)]


def _as_dict(span: ReadableSpan) -> dict[str, Any]:
    start, end = span.start_time or 0, span.end_time or 0
    return {
        "name": span.name,
        "span_id": format_span_id(span.context.span_id),
        "parent_id": format_span_id(span.parent.span_id) if span.parent else "",
        "kind": span.kind.name.lower(),
        "start_us": start // 1000,
        "duration_us": (end - start) // 1000,
        "status": span.status.status_code.name.lower(),
        "attributes": dict(span.attributes or {}),
    }

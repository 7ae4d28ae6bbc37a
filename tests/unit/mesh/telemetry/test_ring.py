"""The ring keeps the newest traces and stays small."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    SpanKind,
    StatusCode,
    Tracer,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)

from mesh.telemetry.ring import TraceRing


@pytest.fixture
def ring() -> TraceRing:
    return TraceRing(max_traces=3, max_spans=2)


@pytest.fixture
def tracer(ring: TraceRing) -> Iterator[Tracer]:
    provider = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(ring)
    yield provider.get_tracer("test")
    provider.shutdown()


def test_trace_tells_of_its_spans(ring: TraceRing, tracer: Tracer) -> None:
    """A trace lists its spans by start, parents named, times in microseconds."""
    root = tracer.start_span("root", kind=SpanKind.SERVER, attributes={"rpc.method": "m"}, start_time=1_000_000)
    root_id = format_span_id(root.get_span_context().span_id)
    child = tracer.start_span("child", context=set_span_in_context(root), start_time=2_000_000)
    child.set_status(StatusCode.ERROR)
    child.end(end_time=2_500_000)
    root.end(end_time=4_000_000)
    first, second = ring.trace(format_trace_id(root.get_span_context().trace_id))
    assert first == {
        "name": "root",
        "span_id": root_id,
        "parent_id": "",
        "kind": "server",
        "start_us": 1000,
        "duration_us": 3000,
        "status": "unset",
        "attributes": {"rpc.method": "m"},
    }
    assert second["parent_id"] == root_id
    assert (second["name"], second["kind"], second["duration_us"], second["status"]) == (
        "child",
        "internal",
        500,
        "error",
    )


def test_oldest_trace_goes_first(ring: TraceRing, tracer: Tracer) -> None:
    """Beyond its size the ring forgets the oldest trace."""
    ids = []
    for n in range(5):
        span = tracer.start_span(f"s{n}")
        span.end()
        ids.append(format_trace_id(span.get_span_context().trace_id))
    assert ring.trace_ids() == [ids[4], ids[3], ids[2]]
    assert ring.trace(ids[0]) == []


def test_spans_of_a_trace_are_bounded(ring: TraceRing, tracer: Tracer) -> None:
    """A trace without end keeps its first spans only."""
    with tracer.start_as_current_span("root") as root:
        for n in range(5):
            tracer.start_span(f"s{n}").end()
    spans = ring.trace(format_trace_id(root.get_span_context().trace_id))
    assert [span["name"] for span in spans] == ["s0", "s1"]


@pytest.mark.parametrize("trace_id", ["", "zz", "0" * 32, "../x"])
def test_unknown_trace_is_empty(ring: TraceRing, trace_id: str) -> None:
    """An id that is not known, or is none, has no spans."""
    assert ring.trace(trace_id) == []

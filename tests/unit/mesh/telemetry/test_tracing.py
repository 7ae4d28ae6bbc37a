"""Trace context in and out of calls, and the set-up by standard variables."""

import io
import json
import sys
from collections.abc import Callable
from types import ModuleType

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mesh.telemetry import tracing
from mesh.telemetry.logs import configure_logs
from mesh.telemetry.tracing import OTLP_MODULE, OTLP_PACKAGE, Tracing, configure_tracing

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
Start = Callable[..., Tracing]


def test_nothing_is_current_outside_of_a_span() -> None:
    """Without a span there is no id, no traceparent and nothing to inject."""
    metadata: list[tuple[str, str]] = []
    tracing.inject(metadata)
    assert (tracing.trace_id(), tracing.traceparent(), metadata) == ("", "", [])


def test_context_passes_through_when_nothing_is_configured() -> None:
    """A process that records nothing still hands the caller's trace on."""
    with tracing.tracer().start_as_current_span("x", context=tracing.extract([("traceparent", PARENT)])):
        assert tracing.traceparent() == PARENT


def test_injected_context_is_extracted_as_parent(start_tracing: Start) -> None:
    """What one side injects makes the other side's span a child in the same trace."""
    start_tracing()
    metadata: list[tuple[str, str]] = [("x", "1")]
    with tracing.tracer().start_as_current_span("client") as client:
        tracing.inject(metadata)
        assert metadata == [("x", "1"), ("traceparent", tracing.traceparent())]
        assert tracing.trace_id() == trace.format_trace_id(client.get_span_context().trace_id)
    server = tracing.tracer().start_span("server", context=tracing.extract(metadata))
    assert server.get_span_context().trace_id == client.get_span_context().trace_id
    assert server.parent.span_id == client.get_span_context().span_id  # type: ignore[attr-defined]


def test_tracestate_travels_too(start_tracing: Start) -> None:
    """Vendors' tracestate is passed on beside the traceparent."""
    start_tracing()
    incoming: list[tuple[str, str | bytes]] = [
        ("traceparent", PARENT),
        ("tracestate", "vendor=1"),
        ("blob-bin", b"\x00"),
    ]
    metadata: list[tuple[str, str]] = []
    with tracing.tracer().start_as_current_span("x", context=tracing.extract(incoming)):
        tracing.inject(metadata)
    assert ("tracestate", "vendor=1") in metadata


@pytest.mark.parametrize(
    "text", ["", "x", PARENT[:-3], f"00-{'0' * 32}-{SPAN_ID}-01", PARENT.upper().replace("00-", "ff-", 1), "1" * 5000]
)
def test_malformed_traceparent_is_no_parent(text: str) -> None:
    """A traceparent that breaks the format is ignored."""
    assert not tracing.span_context_from(text).is_valid


def test_span_context_from_traceparent() -> None:
    """A good traceparent names a remote span."""
    context = tracing.span_context_from(PARENT)
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}", context.is_remote) == (TRACE_ID, SPAN_ID, True)


def test_traceparent_of_a_span(start_tracing: Start) -> None:
    """A span that is not current can be named as well."""
    start_tracing()
    span = tracing.tracer().start_span("x")
    assert tracing.span_context_from(tracing.traceparent(span)).span_id == span.get_span_context().span_id


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "chat"),
        ({"OTEL_SERVICE_NAME": "chat-eu"}, "chat-eu"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=other"}, "other"),
    ],
)
def test_service_name_by_standard_variables(
    start_tracing: Start, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str
) -> None:
    """The service is called chat unless OTEL_* says otherwise."""
    for key in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(key, raising=False)
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    attributes = start_tracing().provider.resource.attributes
    assert attributes["service.name"] == name
    assert attributes["telemetry.sdk.language"] == "python"


def test_sampler_by_standard_variable(start_tracing: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_TRACES_SAMPLER decides what is recorded."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    start_tracing()
    span = tracing.tracer().start_span("x")
    assert (span.is_recording(), span.get_span_context().is_valid) == (False, True)


def test_ring_is_optional() -> None:
    """Without a ring and an exporter nothing is recorded, and traces still have their ids."""
    started = configure_tracing(environ={})
    try:
        span = tracing.tracer().start_span("x")
        assert not span.is_recording()
        assert span.get_span_context().is_valid
        assert started.ring is None
    finally:
        started.shutdown()


def test_what_nobody_looks_at_is_passed_on_all_the_same() -> None:
    """A trace that comes from elsewhere keeps its id, and each span has one of its own."""
    started = configure_tracing(environ={})
    try:
        parent = tracing.extract([("traceparent", f"00-{'a' * 32}-{'b' * 16}-01")])
        with tracing.tracer().start_as_current_span("outer", context=parent) as outer:
            inner = tracing.tracer().start_span("inner")
            assert tracing.trace_id() == "a" * 32
        ids = {span.get_span_context().span_id for span in (outer, inner)}
        assert inner.get_span_context().trace_id == outer.get_span_context().trace_id
        assert len(ids | {int("b" * 16, 16)}) == 3
        assert tracing.trace_id() == ""
    finally:
        started.shutdown()


def test_shutdown_ends_only_its_own_recording(start_tracing: Start) -> None:
    """The set-up that came last records, until it is shut down itself."""
    first, second = start_tracing(), start_tracing()
    first.shutdown()
    tracing.tracer().start_span("kept").end()
    assert second.ring is not None
    assert len(second.ring.trace_ids()) == 1
    second.shutdown()
    assert not tracing.tracer().start_span("lost").is_recording()


@pytest.mark.usefixtures("restored_logs")
def test_missing_exporter_package_is_told(start_tracing: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """An end point without the package to reach it is a warning with the name of the package, not a crash."""
    monkeypatch.setitem(sys.modules, OTLP_MODULE, None)
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    start_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317"})
    line = json.loads(stream.getvalue())
    assert (line["level"], line["install"]) == ("warning", OTLP_PACKAGE)


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_spans_are_exported_to_the_end_point(
    start_tracing: Start, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """With the package there, spans have left when the set-up is shut down."""
    exporter = InMemorySpanExporter()
    module = ModuleType(OTLP_MODULE)
    module.OTLPSpanExporter = lambda: exporter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, OTLP_MODULE, module)
    started = start_tracing({variable: "http://127.0.0.1:4317"})
    tracing.tracer().start_span("x").end()
    started.shutdown()
    assert [span.name for span in exporter.get_finished_spans()] == ["x"]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("/chat.user.v1.SessionService/Login", True),
        ("/grpc.health.v1.Health/Check", False),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", False),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", False),
        ("/acme.v1.Quiet/Poll", False),
        ("/acme.v1.QuietNot/Poll", True),
    ],
)
def test_methods_that_get_spans(method: str, expected: bool) -> None:
    """Health, reflection and what was excluded get none; the answer does not change when asked again."""
    traced = tracing.method_filter("acme.v1.Quiet, ,other.v1.Service")
    assert [traced(method), traced(method)] == [expected, expected]


def test_excluded_services_by_standard_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_PYTHON_GRPC_EXCLUDED_SERVICES is honoured."""
    monkeypatch.setenv("OTEL_PYTHON_GRPC_EXCLUDED_SERVICES", "acme.v1.Quiet")
    tracing._environment_filter.cache_clear()
    try:
        assert (tracing.traced("/acme.v1.Quiet/Poll"), tracing.traced("/acme.v1.Loud/Poll")) == (False, True)
    finally:
        tracing._environment_filter.cache_clear()

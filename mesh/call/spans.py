"""The spans of calls, on both sides, with the stable names of OpenTelemetry's RPC conventions."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode, use_span

from mesh.telemetry.tracing import Metadata, extract, traced, tracer

_SERVER_FAULTS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}


@contextmanager
def server_span(method: str, metadata: Metadata) -> Iterator[Span]:
    """A span around a handler, continuing the trace that the metadata tells of. The caller ends it by `end_span`."""
    if not traced(method):
        yield INVALID_SPAN
        return
    span = tracer().start_span(
        method.lstrip("/"), context=extract(metadata), kind=SpanKind.SERVER, attributes=_attributes(method)
    )
    with use_span(span, record_exception=False, set_status_on_exception=False):
        yield span


def client_span(method: str) -> Span:
    """A span for a call that is being made, child of the present one. The caller ends it by `end_span`."""
    if not traced(method):
        return INVALID_SPAN
    return tracer().start_span(method.lstrip("/"), kind=SpanKind.CLIENT, attributes=_attributes(method))


def end_span(span: Span, code: str) -> None:
    """Ends a span with the status the call ended with, such as `OK` or `NOT_FOUND`."""
    if span.is_recording():
        span.set_attribute("rpc.response.status_code", code)
        if code in _SERVER_FAULTS:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", code)
    span.end()


def _attributes(method: str) -> dict[str, str]:
    return {"rpc.system.name": "grpc", "rpc.method": method.lstrip("/")}

"""The spans of calls, on both sides, with the stable names of OpenTelemetry's RPC conventions."""

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode, get_current_span, set_span_in_context

from mesh.telemetry.tracing import Metadata, extract, traced, tracer

_SERVER_FAULTS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}


class Within:
    """Makes a span the present one until the block is left. A valid one, or else whatever was present stays."""

    __slots__ = ("_before", "_ends", "_span")

    def __init__(self, span: Span, *, ends: bool = False) -> None:
        self._span, self._ends = span, ends
        self._before: Context | None = None

    def __enter__(self) -> Span:
        if self._span is not INVALID_SPAN:
            self._before = get_current()
            attach(set_span_in_context(self._span))
        return self._span

    def __exit__(self, *_: object) -> None:
        # Not by a token: a stream that nobody reads any more is closed by others, whose contexts know nothing of it.
        if self._before is not None and get_current_span() is self._span:
            attach(self._before)
        if self._ends:
            self._span.end()


def server_span(method: str, metadata: Metadata) -> Within:
    """A span around a handler, continuing the trace that the metadata tells of. The caller ends it by `end_span`."""
    if not traced(method):
        return Within(INVALID_SPAN)
    span = tracer().start_span(
        method.lstrip("/"), context=extract(metadata), kind=SpanKind.SERVER, attributes=_attributes(method)
    )
    return Within(span)


def socket_span(name: str, traceparent: str = "") -> Within:
    """A span around what a client asks for on a socket, which ends with the block."""
    context = extract((("traceparent", traceparent),))
    return Within(tracer().start_span(f"socket {name}"[:80], context=context, kind=SpanKind.SERVER), ends=True)


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

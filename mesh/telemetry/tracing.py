"""Traces: set-up by the standard OTEL_* variables, and the W3C trace context of calls and events.

Until `configure_tracing` was called nothing is recorded, and an incoming trace context is passed on as it is.
"""

import importlib
import os
from collections.abc import Callable, Iterable, Mapping, MutableSequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mesh.telemetry.unrecorded import Unrecorded

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    from mesh.telemetry.ring import TraceRing

SERVICE_NAME = "chat"
MAX_METHODS = 1024
OTLP_PACKAGE = "opentelemetry-exporter-otlp-proto-grpc"
OTLP_MODULE = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"

Metadata = Iterable[tuple[str, str | bytes]]

log = structlog.get_logger()
_PROPAGATOR = TraceContextTextMapPropagator()
_NO_TRACER = trace.NoOpTracer()
_tracer: trace.Tracer = _NO_TRACER


class Tracing:
    """Traces of this process, recorded by `provider` until `shutdown`, or by nobody."""

    def __init__(self, provider: "TracerProvider", ring: "TraceRing | None" = None, *, records: bool = True) -> None:
        global _tracer
        self.provider = provider
        self.ring = ring
        self._tracer = _tracer = provider.get_tracer("mesh") if records else Unrecorded()

    def shutdown(self) -> None:
        """Hands what is recorded to the exporter, and records no more."""
        global _tracer
        if _tracer is self._tracer:
            _tracer = _NO_TRACER
        self.provider.shutdown()


def configure_tracing(*, ring: "TraceRing | None" = None, environ: Mapping[str, str] = os.environ) -> Tracing:
    """Starts to record traces, into `ring` if given and to the OTLP end point that OTEL_EXPORTER_OTLP_ENDPOINT names.

    OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_SDK_DISABLED and OTEL_BSP_* are read by the
    SDK. OpenTelemetry's global provider is left alone: it can be set only once.
    """
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = OTELResourceDetector().detect().attributes
    # Its own exit handler would run after the log and the loop are gone: whoever configures shuts down.
    exports = any(environ.get(name) for name in ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"))
    # Where nobody would see a span, ids are still made and carried, but nothing is recorded.
    sampler = environ.get("OTEL_TRACES_SAMPLER") or ("" if exports or ring is not None else "always_off")
    provider = TracerProvider(
        resource=Resource.create({"service.name": SERVICE_NAME, **named}),
        shutdown_on_exit=False,
    )
    if ring is not None:
        provider.add_span_processor(ring)
    if exports:
        for processor in _otlp_processors():
            provider.add_span_processor(processor)
    return Tracing(provider, ring, records=sampler != "always_off")


def _otlp_processors() -> Iterable["SpanProcessor"]:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    try:
        exporter = importlib.import_module(OTLP_MODULE)
    except ImportError:
        log.warning("traces are not exported: an OTLP end point is set, but a package is missing", install=OTLP_PACKAGE)
        return
    yield BatchSpanProcessor(exporter.OTLPSpanExporter())


def tracer() -> trace.Tracer:
    """The tracer to start spans with. Ask each time: it changes with the set-up."""
    return _tracer


def trace_id() -> str:
    """The current trace as 32 hex digits; empty outside of any."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def traceparent(span: trace.Span | None = None) -> str:
    """`span`, or else the current one, as a W3C `traceparent`; empty when there is none."""
    context = (span or trace.get_current_span()).get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def inject(metadata: MutableSequence[tuple[str, str]]) -> None:
    """Appends the current trace context, if there is one, to the `metadata` of a call."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    metadata.extend(carrier.items())


def extract(metadata: Metadata) -> Context:
    """The trace context in `metadata` (lower-case keys), to start spans in; an empty one when there is none."""
    carrier = dict(metadata)
    return _PROPAGATOR.extract(carrier) if carrier.get("traceparent") else Context()


def span_context_from(traceparent: str) -> trace.SpanContext:
    """The span that a `traceparent` names; an invalid one when it is empty or malformed."""
    return trace.get_current_span(extract((("traceparent", traceparent),))).get_span_context()


def traced(method: str) -> bool:
    """Whether calls of `/package.Service/Method` get spans: not health checks, reflection and excluded services.

    OTEL_PYTHON_GRPC_EXCLUDED_SERVICES is read at the first call.
    """
    return _environment_filter()(method)


def method_filter(excluded_services: str) -> Callable[[str], bool]:
    """`traced` with the services to leave out as a list with commas. Answers are kept for MAX_METHODS methods."""
    from opentelemetry.instrumentation.grpc import filters

    services = [name for name in map(str.strip, excluded_services.split(",")) if name]
    excluded: Callable[[Any], bool] = filters.any_of(
        filters.health_check(),
        filters.service_prefix("grpc.reflection."),
        *[filters.service_name(name) for name in services],
    )
    return lru_cache(MAX_METHODS)(lambda method: not excluded(_Call(method)))


@cache
def _environment_filter() -> Callable[[str], bool]:
    return method_filter(os.environ.get("OTEL_PYTHON_GRPC_EXCLUDED_SERVICES", ""))


@dataclass(frozen=True, slots=True)
class _Call:
    """What the filters read of a call."""

    method: str

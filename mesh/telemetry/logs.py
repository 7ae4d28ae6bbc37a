"""Logs: one line an event with the request and the span it belongs to, from structlog and from the libraries alike.

Write `log = structlog.get_logger()` at the top of a module, then `log.info("what happened", name=value)`.
"""

import io
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog
from opentelemetry import trace
from structlog.typing import Processor

from mesh.call.context import current
from mesh.telemetry.scrub import blank_secrets, scrub

Form = Literal["text", "json"]

HANDLER = "chat"
MAX_FRAMES = 20
# Each of these gives itself a handler and a level unless it has a level already.
OWN_MINDED = ("engineio.server", "socketio.server", "uvicorn", "uvicorn.access", "uvicorn.error", "grpc")


def configure_logs(form: Form, level: str = "info", stream: TextIO | None = None) -> None:
    """Sends all logs of this process to `stream` (stderr): our own from `level`, those of libraries from WARNING.

    Calling it again replaces what the call before did.
    """
    stream = stream or sys.stderr
    own, libraries = _chain(form), _chain(form, structlog.stdlib.add_logger_name)
    renderer = _renderer(form, colors=stream.isatty())
    structlog.configure(
        processors=[*own, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,  # Loggers of modules would stay with the first stream for ever.
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=libraries,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    _route_libraries(stream, formatter, max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))


def add_request(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: adds the ids of the request and of the span that are current where the line is written."""
    request = current()
    if request.request_id:
        event.setdefault("request_id", request.request_id)
    if request.correlation_id:
        event.setdefault("correlation_id", request.correlation_id)
    if request.principal is not None:
        event.setdefault("user_id", request.principal.user_id)
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event.setdefault("trace_id", trace.format_trace_id(span.trace_id))
        event.setdefault("span_id", trace.format_span_id(span.span_id))
    return event


def _chain(form: Form, *first: Processor) -> list[Processor]:
    return [
        *first,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_request,
        structlog.processors.StackInfoRenderer(),
        *([_structured_exceptions()] if form == "json" else []),
        scrub,
    ]


def _structured_exceptions() -> Processor:
    # Locals would carry texts and tokens into the log.
    transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=MAX_FRAMES)
    return structlog.processors.ExceptionRenderer(transformer)


def _renderer(form: Form, *, colors: bool) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_traceback)


def _traceback(stream: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    """Texts of errors come from anywhere."""
    whole = io.StringIO()
    structlog.dev.plain_traceback(whole, exc_info)
    stream.write(blank_secrets(whole.getvalue()))


def _route_libraries(stream: TextIO, formatter: logging.Formatter, level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.name = HANDLER
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.name == HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in OWN_MINDED:
        logging.getLogger(name).setLevel(level)

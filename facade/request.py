"""What every HTTP request is given: ids, a span, and the headers that tell of them."""

import structlog
from opentelemetry.trace import SpanKind, StatusCode
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from facade.address import Addresses
from mesh.call import context as request_context
from mesh.call.context import RequestContext
from mesh.call.correlation import accept
from mesh.telemetry.tracing import extract, trace_id, tracer

log = structlog.get_logger(__name__)

_STARTS = ("http.response.start", "websocket.http.response.start")


class RequestMiddleware:
    """Gives each request its request id, correlation id and span, and tells everything below where it comes from."""

    def __init__(self, app: ASGIApp, addresses: Addresses) -> None:
        self._app, self._addresses = app, addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        state = scope.setdefault("state", {})
        state["request_id"] = str(uuid7())
        state["correlation_id"] = accept(headers.get("x-correlation-id"))
        address = self._addresses.of(scope)
        request_context.bind(RequestContext(state["request_id"], state["correlation_id"], address=address))
        parent = extract([(name, value) for name, value in headers.items() if name in ("traceparent", "tracestate")])
        verb = scope.get("method", "GET")
        attributes = {"http.request.method": verb, "url.path": scope["path"]}
        with tracer().start_as_current_span(verb, context=parent, kind=SpanKind.SERVER, attributes=attributes) as span:
            told = {
                "x-request-id": state["request_id"],
                "x-correlation-id": state["correlation_id"],
                "x-trace-id": trace_id(),
            }

            async def send_with_ids(message: Message) -> None:
                if message["type"] in _STARTS:
                    MutableHeaders(scope=message).update(told)
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(StatusCode.ERROR)
                    log.debug("request", verb=verb, path=scope["path"], status=status)
                await send(message)

            await self._app(scope, receive, send_with_ids)

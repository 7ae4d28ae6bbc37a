"""Errors as clients of REST and sockets see them: RFC 9457 problems, and who makes them from what was raised."""

import math
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import grpc
import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response

from facade import trailers
from facade.translate.violations import escape
from mesh.call.faults import unexpected
from mesh.call.status import from_rpc_error
from mesh.errors import BY_CODE, Cancelled, Error, Internal, Invalid, NotFound, Unimplemented, Violation
from mesh.telemetry.tracing import trace_id

MEDIA_TYPE = "application/problem+json"
_INVALID = ' error="invalid_token"'
_CHALLENGES = {
    "TOKEN_INVALID": _INVALID,
    "TOKEN_EXPIRED": _INVALID,
    "SESSION_REVOKED": _INVALID,
    "SCOPE_MISSING": ' error="insufficient_scope"',
}
"""What `WWW-Authenticate` says of a token (RFC 6750 §3.1)."""
Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

_STEP = re.compile(r'\[("(?:[^"\\]|\\.)*"|[^\]]*)\]|([^.\[]+)')


class BodyTooLarge(Invalid):
    http_status = 413


class UnsupportedMediaType(Invalid):
    http_status = 415


class MethodNotAllowed(Unimplemented):
    http_status = 405


def as_dict(error: Error, *, request_id: str, trace_id: str, instance: str, correlation_id: str = "") -> dict[str, Any]:
    """The problem object of `error`. `retry_after_s` is null when waiting does not help or nobody knows how long.

    One that tells of a rate limit names it by `policy` and `scope`.
    """
    limit = {} if error.limit is None else {"policy": error.limit.policy, "scope": error.limit.scope}
    return {
        "type": f"/docs#{error.reason}",
        "title": error.reason.replace("_", " ").capitalize(),
        "status": error.http_status,
        "detail": error.message,
        "instance": instance,
        "code": error.reason,
        "request_id": request_id,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "retryable": error.retryable,
        "retry_after_s": error.retry_after_s,
        **limit,
        "errors": [{"pointer": pointer(v), "code": v.code, "detail": v.detail} for v in error.violations],
        "metadata": error.metadata,
    }


def describe(error: Error, request: HTTPConnection) -> dict[str, Any]:
    """The problem object of an error that ended `request`."""
    return as_dict(
        error,
        request_id=getattr(request.state, "request_id", ""),
        trace_id=trace_id(),
        instance=request.url.path,
        correlation_id=getattr(request.state, "correlation_id", ""),
    )


def problem(error: Error, request: HTTPConnection, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that tells of `error`."""
    more = {"Cache-Control": "no-store", **(headers or {})}
    if error.retry_after_s is not None:
        more["Retry-After"] = str(math.ceil(error.retry_after_s))
    if error.http_status == 401 or error.reason in _CHALLENGES:
        more["WWW-Authenticate"] = f"Bearer{_CHALLENGES.get(error.reason, '')}"
    body = orjson.dumps(describe(error, request))
    return Response(body, error.http_status, more, MEDIA_TYPE)


def pointer(violation: Violation) -> str:
    """The JSON pointer of a violation, whose field may also be a proto path such as `members[2].name`."""
    field = violation.field
    if field.startswith("/"):
        return field
    steps = (match[2] or match[1] for match in _STEP.finditer(field))
    return "".join(f"/{escape(_unquoted(step))}" for step in steps)


def known(raised: Exception) -> Error:
    """What callers may see of anything raised. A fault is logged, and they get the id to find it by, not its text."""
    error = from_rpc_error(raised) if isinstance(raised, grpc.aio.AioRpcError) else raised
    if isinstance(error, Error) and (error.metadata.get("error_id") or not isinstance(error, Internal)):
        return error
    return unexpected(raised)


def exception_handlers() -> dict[int | type[Exception], Handler]:
    """For the app to register."""
    return {
        Error: _raised,
        grpc.aio.AioRpcError: _raised,
        Exception: _raised,
        HTTPException: _http_exception,
        ClientDisconnect: _disconnected,
    }


async def _raised(request: Request, error: Exception) -> Response:
    told = trailers.headers(error.trailing_metadata()) if isinstance(error, grpc.aio.AioRpcError) else None
    return problem(known(error), request, told)


async def _http_exception(request: Request, error: HTTPException) -> Response:
    path = request.url.path
    if error.status_code == 404:
        return problem(NotFound("ROUTE_NOT_FOUND", f"There is nothing at {path}."), request)
    if error.status_code == 405:
        detail = f"{path} does not answer to {request.method}."
        return problem(MethodNotAllowed("METHOD_NOT_ALLOWED", detail), request, error.headers)
    return problem(_nearest(error.status_code, error.detail), request, error.headers)


def _nearest(status: int, detail: str) -> Error:
    for kind in BY_CODE.values():
        if kind.http_status == status:
            return kind(_REASONS.get(status, "INVALID_REQUEST" if status < 500 else "INTERNAL"), detail)
    return Invalid("INVALID_REQUEST", detail) if status < 500 else Internal("INTERNAL", detail)


_REASONS = {401: "TOKEN_INVALID", 403: "PERMISSION_DENIED", 429: "RATE_LIMITED", 503: "UNAVAILABLE"}


async def _disconnected(request: Request, error: Exception) -> Response:
    return problem(Cancelled("CANCELLED", "The client went away."), request)


def _unquoted(step: str) -> str:
    return str(orjson.loads(step)) if step.startswith('"') else step

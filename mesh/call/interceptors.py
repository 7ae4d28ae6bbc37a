"""What happens around every handler, outermost first: telemetry, errors, admission (identity, role, time, rules)."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any
from urllib.parse import unquote

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from grpc_interceptor.server import AsyncServerInterceptor

from chat.mesh.v1 import options_pb2
from mesh.call import context as request_context
from mesh.call.context import RequestContext
from mesh.call.correlation import METADATA_KEY, REQUEST_KEY, accept
from mesh.call.faults import unexpected
from mesh.call.spans import end_span, server_span
from mesh.call.status import code_name, from_rpc_error, to_grpc_status
from mesh.errors import Deadline, Error, Invalid, Unauthenticated
from mesh.identity.proof import ADDRESS_KEY, COUNTED_KEY, NESTED_KEY, Proofs
from mesh.identity.proof import METADATA_KEY as METADATA_PROOF
from mesh.identity.verifier import Verifier
from mesh.policy.admit import admit
from mesh.policy.methods import policy_of
from mesh.policy.overload import Overload
from mesh.policy.validation import validate
from mesh.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)
_SAID = (METADATA_PROOF, ADDRESS_KEY, COUNTED_KEY, NESTED_KEY)
_UNREADABLE = object()
"""Stands for a request whose bytes are no message of its method."""


class TelemetryInterceptor(AsyncServerInterceptor):
    """Binds the correlation id, opens the span, and counts and times every call with the code it really ended with."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.rpc_server

    async def intercept(self, method: Any, request_or_iterator: Any, context: Any, method_name: str) -> Any:
        self._seconds.announce((method_name,))  # Only hosted methods get here, so the names are few.
        result = method(request_or_iterator, context)
        if hasattr(result, "__aiter__"):
            return self._observe_stream(result, context, method_name)
        with self._observe(context, method_name):
            return await result

    async def _observe_stream(self, stream: Any, context: Any, method_name: str) -> AsyncIterator[Any]:
        with self._observe(context, method_name):
            async with aclosing(stream) as messages:
                async for message in messages:
                    yield message

    @contextmanager
    def _observe(self, context: Any, method_name: str) -> Iterator[None]:
        metadata = context.invocation_metadata() or ()
        offered = {key: value for key, value in metadata if key in (REQUEST_KEY, METADATA_KEY)}
        bound = RequestContext(
            request_id=accept(offered.get(REQUEST_KEY)), correlation_id=accept(offered.get(METADATA_KEY))
        )
        request_context.bind(bound)
        started = time.perf_counter()
        with server_span(method_name, metadata) as span:
            error: BaseException | None = None
            try:
                yield
            except BaseException as caught:
                error = caught
                raise
            finally:
                code = _outcome(context, error)
                end_span(span, code)
                seconds = time.perf_counter() - started
                self._seconds(method_name, code).observe(seconds)
                log.debug("call", method=method_name, code=code, ms=round(seconds * 1000, 2))


class ErrorInterceptor(AsyncServerInterceptor):
    """Turns errors into statuses. What nobody foresaw becomes INTERNAL with an id that the log knows, not its text."""

    async def intercept(self, method: Any, request_or_iterator: Any, context: Any, method_name: str) -> Any:
        result = method(request_or_iterator, context)
        if hasattr(result, "__aiter__"):
            return self._guard_stream(result, context, method_name)
        try:
            return await result
        except Exception as error:
            await _abort(error, context, method_name)

    async def _guard_stream(self, stream: Any, context: Any, method_name: str) -> AsyncIterator[Any]:
        try:
            async with aclosing(stream) as messages:
                async for message in messages:
                    yield message
        except Exception as error:
            await _abort(error, context, method_name)


class AdmissionInterceptor(AsyncServerInterceptor):
    """Proves the caller and lets the call pass the gate; binds who calls and until when for everything below."""

    def __init__(self, verifier: Verifier, proofs: Proofs, overload: Overload | None = None) -> None:
        self._verifier = verifier
        self._proofs = proofs
        self._overload = overload or Overload()

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Bytes that are no request come as far as `_admit`: gRPC itself would answer with a traceback."""
        handler = await super().intercept_service(continuation, details)  # type: ignore[no-untyped-call]
        if handler is None or handler.request_deserializer is None:
            return handler
        return handler._replace(request_deserializer=_lenient(handler.request_deserializer))

    async def intercept(self, method: Any, request_or_iterator: Any, context: Any, method_name: str) -> Any:
        bound, limit_s = await self._admit(request_or_iterator, context, method_name)
        request_context.bind(bound)
        if not isinstance(request_or_iterator, Message):
            request_or_iterator = _validated(request_or_iterator)
        result = method(request_or_iterator, context)
        if hasattr(result, "__aiter__"):
            return _bound_stream(bound, result)
        if limit_s is None:
            return await result
        try:
            async with asyncio.timeout(limit_s) as limit:
                return await result
        except TimeoutError:
            if not limit.expired():
                raise
            raise Deadline("DEADLINE_EXCEEDED", f"The call took longer than {limit_s:g} s.") from None

    async def _admit(self, request: Any, context: Any, method_name: str) -> tuple[RequestContext, float | None]:
        policy, origin = policy_of(method_name), self._origin(context, method_name)
        if not origin.get("is_nested"):  # What was let in is carried to its end.
            self._overload.check(method_name)
        principal, token = None, ""
        if policy.role in (options_pb2.ROLE_USER, options_pb2.ROLE_ADMIN):
            token = _bearer(context)
            principal = await self._verifier.verify(token) if token else None
        remaining_s, limit_s = context.time_remaining(), None
        if policy.deadline_s is not None and (remaining_s is None or remaining_s > policy.deadline_s):
            remaining_s = limit_s = policy.deadline_s
        entered = request_context.current()
        bound = RequestContext(
            request_id=entered.request_id,
            correlation_id=entered.correlation_id,
            principal=principal,
            token=token,
            deadline=None if remaining_s is None else time.monotonic() + remaining_s,
            **origin,
        )
        admit(method_name, bound, request if isinstance(request, Message) else None)
        if request is _UNREADABLE:
            raise _unreadable()
        return bound, limit_s

    def _origin(self, context: Any, method_name: str) -> dict[str, Any]:
        """Where the call comes from. What is said about its client is believed of our own processes only."""
        said = {key: str(value) for key, value in context.invocation_metadata() or () if key in _SAID}
        peer = str(context.peer())
        if peer.startswith("inprocess:") or self._proofs.holds(method_name, said.get(METADATA_PROOF, "")):
            return {
                "is_mesh": True,
                "address": said.get(ADDRESS_KEY, ""),
                "is_counted": COUNTED_KEY in said,
                "is_nested": NESTED_KEY in said,
            }
        return {"address": _host(peer)}


def _host(peer: str) -> str:
    """The address in gRPC's name of a peer, such as `ipv4:127.0.0.1:5001` or `ipv6:%5B::1%5D:5001`."""
    return unquote(peer.partition(":")[2].rpartition(":")[0]).strip("[]")


def _bearer(context: Any) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            scheme, _, token = value.partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                raise Unauthenticated("TOKEN_INVALID", "`authorization` must be `Bearer` and an access token.")
            return str(token.strip())
    return ""


async def _bound_stream(bound: RequestContext, stream: Any) -> AsyncIterator[Any]:
    request_context.bind(bound)
    async with aclosing(stream) as messages:
        async for message in messages:
            yield message


async def _validated(messages: Any) -> AsyncIterator[Any]:
    async for message in messages:
        if message is _UNREADABLE:
            raise _unreadable()
        validate(message)
        yield message


def _lenient(decode: Callable[[bytes], Message]) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        try:
            return decode(data)
        except DecodeError:
            return _UNREADABLE

    return read


def _unreadable() -> Error:
    return Invalid("INVALID_REQUEST", "The request is not one of this method.")


async def _abort(error: Exception, context: Any, method_name: str) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if isinstance(error, grpc.aio.AioRpcError):
        error = from_rpc_error(error)  # A call of ours failed: its reason is the caller's too.
    elif not isinstance(error, Error):
        error = unexpected(error, method=method_name)
    status = to_grpc_status(error)
    # What was to be told at the end of the call, such as how much of a limit is left, is told beside the error too.
    told = (*(context.trailing_metadata() or ()), *status.trailing_metadata)
    await context.abort(status.code, status.details, told)


def _outcome(context: Any, error: BaseException | None) -> str:
    if error is None or isinstance(error, grpc.aio.AbortError):
        code = context.code()
        return code_name(code) if code else "OK"
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        remaining_s = context.time_remaining()
        return "DEADLINE_EXCEEDED" if remaining_s is not None and remaining_s <= 0 else "CANCELLED"
    return "UNKNOWN"

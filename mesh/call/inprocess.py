"""gRPC without a socket: a server and its channel in one process, with the behaviour of the real ones.

Messages are copied through their wire form, each call runs in a task and context of its own, and interceptors,
metadata, deadlines, cancellation, size limits and flow control work as over TCP; one test suite runs over both.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from contextvars import Context
from typing import Any, NoReturn, TypeAlias, cast

import grpc
from grpc.aio import EOF, AbortError, AioRpcError, Metadata

from mesh.call.pipe import Pipe

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_OK, _CANCELLED = grpc.StatusCode.OK, grpc.StatusCode.CANCELLED


class HandlerCallDetails(grpc.HandlerCallDetails):
    """Names the method that an interceptor is asked to wrap."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata = ()


class InProcessServer:
    """Holds the handlers that generated code registers, wrapped in the interceptors as grpc.aio would."""

    def __init__(self, interceptors: Sequence[grpc.aio.ServerInterceptor] = ()) -> None:
        self._interceptors = interceptors
        self._bare: dict[str, Handler] = {}
        self._wrapped: dict[str, Handler] = {}
        self._running: set[Call] = set()
        self._accepting = True
        self._idle = asyncio.Event()

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Called by generated code; the same handlers arrive by the next method."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        self._bare.update({f"/{service}/{name}": handler for name, handler in handlers.items()})

    async def handler(self, method: str) -> "Handler | None":
        """The handler of a method with all interceptors around it; None when nobody registered it."""
        if method in self._wrapped or method not in self._bare:
            return self._wrapped.get(method)
        details = HandlerCallDetails(method)
        handler: Any = self._bare[method]
        for interceptor in reversed(self._interceptors):

            async def inner(_: object, handler: Any = handler) -> Any:
                return handler

            handler = await interceptor.intercept_service(inner, details)
        self._wrapped[method] = handler
        return self._wrapped[method]

    def channel(self) -> "InProcessChannel":
        return InProcessChannel(self)

    def enter(self, call: "Call") -> bool:
        """Counts a call in; False when the server has stopped."""
        if self._accepting:
            self._running.add(call)
        return self._accepting

    def leave(self, call: "Call") -> None:
        self._running.discard(call)
        if not self._running:
            self._idle.set()

    async def stop(self, grace: float | None) -> None:
        """Refuses new calls, lets running ones end within `grace` seconds, then ends them with UNAVAILABLE."""
        self._accepting = False
        if self._running and grace:
            self._idle.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), grace)
        tasks = [call.task for call in self._running]
        for call in list(self._running):
            call.end(grpc.StatusCode.UNAVAILABLE, "Cancelling all calls")
        await asyncio.gather(*tasks, return_exceptions=True)


class ServicerContext(grpc.aio.ServicerContext[Any, Any]):
    """The server's side of one call."""

    def __init__(self, call: "Call", metadata: tuple[tuple[str, str | bytes], ...]) -> None:
        self._call = call
        self._metadata = metadata
        self._code: grpc.StatusCode | None = None
        self._details = ""
        self._trailing: tuple[tuple[str, str | bytes], ...] = ()
        self.handler: Handler | None = None

    async def read(self) -> Any:
        item = await self._call.requests.get()
        return EOF if item is None else self._decode(item)

    async def write(self, message: Any) -> None:
        self._call.start_metadata()
        data = self.encode(message)
        if not await self._call.responses.put(data):
            raise asyncio.CancelledError

    def _decode(self, data: bytes) -> Any:
        decode = self.handler and self.handler.request_deserializer
        return decode(data) if decode else data

    def encode(self, message: Any) -> bytes:
        encode = self.handler and self.handler.response_serializer
        return encode(message) if encode else cast(bytes, message)

    async def requests(self) -> AsyncIterator[Any]:
        while (item := await self._call.requests.get()) is not None:
            yield self._decode(item)

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        self._call.start_metadata(initial_metadata)

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        self._code, self._details = code, details
        if trailing_metadata:
            self._trailing = tuple(trailing_metadata)
        raise AbortError("Locally aborted.")

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        await self.abort(status.code, status.details, status.trailing_metadata)

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._trailing = tuple(trailing_metadata)

    def invocation_metadata(self) -> Any:
        return self._metadata

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def set_details(self, details: str) -> None:
        self._details = details

    def set_compression(self, compression: grpc.Compression) -> None:
        """Nothing is compressed between two parts of one process."""

    def disable_next_message_compression(self) -> None:
        """Nothing is compressed between two parts of one process."""

    def peer(self) -> str:
        return "inprocess:"

    def peer_identities(self) -> Iterable[bytes] | None:
        return None

    def peer_identity_key(self) -> str | None:
        return None

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {}

    def time_remaining(self) -> float:
        return cast(float, self._call.time_remaining())

    def trailing_metadata(self) -> Any:
        return self._trailing

    def code(self) -> Any:
        return self._code

    def details(self) -> str:
        return self._details

    def add_done_callback(self, callback: Any) -> None:
        self._call.add_done_callback(lambda _: callback(self))

    def cancelled(self) -> bool:
        return self._call.cancelled()

    def done(self) -> bool:
        return self._call.done()


class Call(grpc.aio.Call):
    """The client's side of one call, of any arity."""

    def __init__(
        self, channel: "InProcessChannel", spec: "_Spec", timeout: float | None, metadata: Any, requests: Any
    ) -> None:
        loop = asyncio.get_running_loop()
        self._spec, self._server = spec, channel.server
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._callbacks: list[Callable[[Any], None]] = []
        self._code: grpc.StatusCode | None = None
        self._details = ""
        self._trailing: tuple[tuple[str, str | bytes], ...] = ()
        self._initial: asyncio.Future[Metadata] = loop.create_future()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._response: bytes | None = None
        self.requests, self.responses = Pipe[bytes](), Pipe[bytes]()
        self._writing = spec.request_streaming and requests is None
        self._writer: asyncio.Task[None] | None = None
        self._context = ServicerContext(self, tuple((str(k), v) for k, v in metadata or ()))
        self._timer = None if timeout is None else loop.call_later(max(timeout, 0), self._expire)
        self.task = loop.create_task(self._serve(requests), name=spec.method, context=Context())
        if not self._server.enter(self):
            self.end(grpc.StatusCode.UNAVAILABLE, "The server has stopped.")
        elif spec.request_streaming and requests is not None:
            self._writer = loop.create_task(self._write_all(requests))

    # The server's half.

    async def _serve(self, request: Any) -> None:
        context, spec = self._context, self._spec
        try:
            handler = context.handler = await self._server.handler(spec.method)
            if handler is None:
                self.end(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
                return
            argument = context.requests() if spec.request_streaming else self._first(handler, request)
            behaviour = spec.behaviour(handler)
            if spec.response_streaming:
                await self._stream(behaviour(argument, context))
            else:
                self._response = context.encode(await behaviour(argument, context))
                if len(self._response) > MAX_MESSAGE_BYTES and context.code() in (None, _OK):
                    self.end(grpc.StatusCode.RESOURCE_EXHAUSTED, _too_large(len(self._response)))
            self.end(context.code() or _OK, context.details(), context.trailing_metadata())
        except AbortError:
            self.end(context.code() or grpc.StatusCode.UNKNOWN, context.details(), context.trailing_metadata())
        except _TooLarge as error:
            self.end(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        except asyncio.CancelledError:
            self.end(_CANCELLED, "The handler was cancelled.")
            raise
        except Exception as error:
            self.end(grpc.StatusCode.UNKNOWN, f"Unexpected {type(error)}: {error}", context.trailing_metadata())

    def _first(self, handler: Handler, request: Any) -> Any:
        data = self._spec.encode(request)
        if len(data) > MAX_MESSAGE_BYTES:
            raise _TooLarge(_too_large(len(data)))
        decode = handler.request_deserializer
        return decode(data) if decode else data

    async def _stream(self, result: Any) -> None:
        if inspect.isawaitable(result):
            await result
            return
        async with aclosing(result) as messages:
            async for message in messages:
                await self._context.write(message)

    def _expire(self) -> None:
        self.end(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")

    def end(self, code: grpc.StatusCode, details: str, trailing: Sequence[tuple[str, str | bytes]] = ()) -> bool:
        """Ends the call for both sides; only the first end counts."""
        if self._code is not None:
            return False
        self._code, self._details, self._trailing = code, details, tuple(trailing)
        self.start_metadata()
        self._ended.set_result(None)
        self.requests.close()
        self.responses.close()
        if self._timer:
            self._timer.cancel()
        if self._writer:
            self._writer.cancel()
        if not self.task.done() and self.task is not asyncio.current_task():
            self.task.cancel()
        self._server.leave(self)
        for callback in self._callbacks:
            callback(self)
        return True

    # The client's half.

    def cancel(self) -> bool:
        return self.end(_CANCELLED, "Locally cancelled by application!")

    def cancelled(self) -> bool:
        return self._code is _CANCELLED

    def done(self) -> bool:
        return self._code is not None

    def time_remaining(self) -> float | None:
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)

    def add_done_callback(self, callback: Any) -> None:
        if self.done():
            callback(self)
        else:
            self._callbacks.append(callback)

    def status_code(self) -> grpc.StatusCode | None:
        """The code, when the call has ended."""
        return self._code

    async def initial_metadata(self) -> Metadata:
        return await asyncio.shield(self._initial)

    async def trailing_metadata(self) -> Metadata:
        await asyncio.shield(self._ended)
        return Metadata(*self._trailing)

    async def code(self) -> grpc.StatusCode:
        await asyncio.shield(self._ended)
        return cast(grpc.StatusCode, self._code)

    async def details(self) -> str:
        await asyncio.shield(self._ended)
        return self._details

    async def wait_for_connection(self) -> None:
        """There is no connection to wait for."""

    def start_metadata(self, metadata: Any = ()) -> None:
        if not self._initial.done():
            self._initial.set_result(Metadata(*metadata))

    def __await__(self) -> Generator[Any, None, Any]:
        return self._result().__await__()

    async def _result(self) -> Any:
        try:
            await asyncio.shield(self._ended)
        except asyncio.CancelledError:
            self.cancel()
            raise
        if self._code is not _OK or self._response is None:
            self._raise()
        return self._spec.decode(self._response)

    async def read(self) -> Any:
        try:
            data = await self.responses.get()
        except asyncio.CancelledError:
            self.cancel()
            raise
        if data is not None:
            if len(data) > MAX_MESSAGE_BYTES:
                self.end(grpc.StatusCode.RESOURCE_EXHAUSTED, _too_large(len(data)))
                self._raise()
            return self._spec.decode(data)
        await asyncio.shield(self._ended)
        if self._code is not _OK:
            self._raise()
        return EOF

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (message := await self.read()) is not EOF:
            yield message

    async def write(self, request: Any) -> None:
        if not self._writing:
            raise asyncio.InvalidStateError("The requests have ended.")
        await self._put(request)

    async def done_writing(self) -> None:
        self._writing = False
        self.requests.finish()

    async def _put(self, request: Any) -> None:
        data = self._spec.encode(request)
        if len(data) > MAX_MESSAGE_BYTES:
            self.end(grpc.StatusCode.RESOURCE_EXHAUSTED, _too_large(len(data)))
        if not await self.requests.put(data):
            self._raise()

    async def _write_all(self, requests: Any) -> None:
        try:
            if isinstance(requests, AsyncIterable):
                async for request in requests:
                    await self._put(request)
            else:
                for request in requests:
                    await self._put(request)
            self.requests.finish()
        except AioRpcError:
            pass  # The call has ended; whoever reads it hears why.
        except Exception:
            self.cancel()
            raise

    def _raise(self) -> NoReturn:
        if self._code is _CANCELLED and self._details.startswith("Locally cancelled"):
            raise asyncio.CancelledError
        code = self._code if self._code not in (None, _OK) else grpc.StatusCode.INTERNAL
        raise AioRpcError(code, Metadata(), Metadata(*self._trailing), self._details)


class InProcessChannel(grpc.aio.Channel):
    """What generated stubs take for a channel."""

    def __init__(self, server: InProcessServer) -> None:
        self.server = server

    def unary_unary(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._callable(_Spec(method, "unary_unary", *_codec(codec, options)))

    def unary_stream(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._callable(_Spec(method, "unary_stream", *_codec(codec, options)))

    def stream_unary(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._callable(_Spec(method, "stream_unary", *_codec(codec, options)))

    def stream_stream(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._callable(_Spec(method, "stream_stream", *_codec(codec, options)))

    def _callable(self, spec: "_Spec") -> Callable[..., Call]:
        def call(
            request: Any = None, *, timeout: float | None = None, metadata: Any = None, **_transport: object
        ) -> Call:
            return Call(self, spec, timeout, metadata, request)

        return call

    async def __aenter__(self) -> "InProcessChannel":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Nothing to close: the server owns the calls."""

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return grpc.ChannelConnectivity.READY

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        if last_observed_state is grpc.ChannelConnectivity.READY:
            await asyncio.Event().wait()

    async def channel_ready(self) -> None:
        """Always."""


class _Spec:
    """One method: its name, its arity and how its messages are written."""

    __slots__ = ("_decode", "_encode", "arity", "method", "request_streaming", "response_streaming")

    def __init__(self, method: str, arity: str, encode: Any, decode: Any) -> None:
        self.method, self.arity = method, arity
        self.request_streaming, self.response_streaming = (part == "stream" for part in arity.split("_"))
        self._encode, self._decode = encode, decode

    def encode(self, message: Any) -> bytes:
        return cast(bytes, self._encode(message) if self._encode else message)

    def decode(self, data: bytes) -> Any:
        return self._decode(data) if self._decode else data

    def behaviour(self, handler: Handler) -> Callable[..., Any]:
        behaviour = getattr(handler, self.arity)
        if behaviour is None:
            raise TypeError(f"{self.method} is not {self.arity}.")
        return cast(Callable[..., Any], behaviour)


class _TooLarge(Exception):
    """A request does not fit."""


def _too_large(size: int) -> str:
    return f"Received message larger than max ({size} vs. {MAX_MESSAGE_BYTES})"


def _codec(positional: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any]:
    encode = positional[0] if positional else options.get("request_serializer")
    decode = positional[1] if len(positional) > 1 else options.get("response_deserializer")
    return encode, decode

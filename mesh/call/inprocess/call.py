"""One call, of any arity: the client's side, and the task that serves it."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Sequence
from contextlib import aclosing
from contextvars import Context
from typing import TYPE_CHECKING, Any, NoReturn, cast

import grpc
import structlog
from grpc.aio import EOF, AbortError, AioRpcError, Metadata

from mesh.call.inprocess.context import Handler, ServicerContext
from mesh.call.inprocess.spec import Spec
from mesh.call.pipe import Pipe

if TYPE_CHECKING:
    from mesh.call.inprocess.server import InProcessServer

log = structlog.get_logger(__name__)

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_OK, _CANCELLED = grpc.StatusCode.OK, grpc.StatusCode.CANCELLED


class Call(grpc.aio.Call):
    """The client's side of one call, of any arity."""

    def __init__(
        self, server: "InProcessServer", spec: Spec, timeout: float | None, metadata: Any, requests: Any
    ) -> None:
        loop = asyncio.get_running_loop()
        self._spec, self._server = spec, server
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
        except Exception:  # The caller's own, who hears of the call's end only.
            log.warning("the requests of a call failed", method=self._spec.method, exc_info=True)
            self.cancel()

    def _raise(self) -> NoReturn:
        if self._code is _CANCELLED and self._details.startswith("Locally cancelled"):
            raise asyncio.CancelledError
        code = self._code if self._code not in (None, _OK) else grpc.StatusCode.INTERNAL
        raise AioRpcError(code, Metadata(), Metadata(*self._trailing), self._details)


class _TooLarge(Exception):
    """A request does not fit."""


def _too_large(size: int) -> str:
    return f"Received message larger than max ({size} vs. {MAX_MESSAGE_BYTES})"

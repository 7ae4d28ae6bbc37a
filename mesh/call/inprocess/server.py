"""Holds the handlers that generated code registers, and the calls that run."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from mesh.call.inprocess.call import Call
from mesh.call.inprocess.channel import InProcessChannel
from mesh.call.inprocess.context import Handler
from mesh.waiting import wait


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

    def channel(self) -> InProcessChannel:
        return InProcessChannel(self)

    def enter(self, call: Call) -> bool:
        """Counts a call in; False when the server has stopped."""
        if self._accepting:
            self._running.add(call)
        return self._accepting

    def leave(self, call: Call) -> None:
        self._running.discard(call)
        if not self._running:
            self._idle.set()

    async def stop(self, grace: float | None) -> None:
        """Refuses new calls, lets running ones end within `grace` seconds, then ends them with UNAVAILABLE."""
        self._accepting = False
        if self._running and grace:
            self._idle.clear()
            await wait(self._idle, grace)
        tasks = [call.task for call in self._running]
        for call in list(self._running):
            call.end(grpc.StatusCode.UNAVAILABLE, "Cancelling all calls")
        await asyncio.gather(*tasks, return_exceptions=True)

"""What generated stubs take for a channel."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc

from mesh.call.inprocess.call import Call
from mesh.call.inprocess.spec import Spec

if TYPE_CHECKING:
    from mesh.call.inprocess.server import InProcessServer


class InProcessChannel(grpc.aio.Channel):
    """A way to the servicers of a server in this process."""

    def __init__(self, server: "InProcessServer") -> None:
        self.server = server

    def unary_unary(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._callable(Spec(method, "unary_unary", *_codec(codec, options)))

    def unary_stream(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._callable(Spec(method, "unary_stream", *_codec(codec, options)))

    def stream_unary(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._callable(Spec(method, "stream_unary", *_codec(codec, options)))

    def stream_stream(self, method: str, *codec: Any, **options: Any) -> Any:
        return self._callable(Spec(method, "stream_stream", *_codec(codec, options)))

    def _callable(self, spec: Spec) -> Callable[..., Call]:
        def call(
            request: Any = None, *, timeout: float | None = None, metadata: Any = None, **_transport: object
        ) -> Call:
            return Call(self.server, spec, timeout, metadata, request)

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


def _codec(positional: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any]:
    encode = positional[0] if positional else options.get("request_serializer")
    decode = positional[1] if len(positional) > 1 else options.get("response_deserializer")
    return encode, decode

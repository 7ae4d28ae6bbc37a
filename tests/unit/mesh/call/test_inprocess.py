"""What the channel inside a process says of itself."""

import asyncio
from typing import Any

import grpc
import pytest

from mesh.call.inprocess import InProcessServer
from tests.arity import ArityStub, Text, register


async def test_there_is_no_connection_to_wait_for() -> None:
    """Always ready, and never anything else."""
    async with InProcessServer().channel() as channel:
        assert channel.get_state() is grpc.ChannelConnectivity.READY
        await channel.channel_ready()
        await channel.wait_for_state_change(grpc.ChannelConnectivity.IDLE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(channel.wait_for_state_change(grpc.ChannelConnectivity.READY), 0.01)


async def test_the_peer_is_this_process() -> None:
    """No certificate, no compression, and a name that tells where the call comes from."""
    seen: list[Any] = []

    async def handler(request: Any, context: Any) -> Any:
        context.set_compression(grpc.Compression.Gzip)
        context.disable_next_message_compression()
        seen.extend([context.peer(), context.peer_identities(), context.peer_identity_key(), context.auth_context()])
        return request

    server = InProcessServer()
    register(server, {"Echo": handler})
    await ArityStub(server.channel()).Echo(Text())
    assert seen == ["inprocess:", None, None, {}]
    await server.stop(0)


async def test_a_method_called_with_another_arity_fails() -> None:
    """As a stub of another contract would."""

    async def handler(request: Any, context: Any) -> Any:
        return request

    server = InProcessServer()
    register(server, {"Echo": handler})
    call = server.channel().unary_stream("/chat.arity.v1.ArityService/Echo", Text.SerializeToString, Text.FromString)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(Text()).read()
    assert caught.value.code() is grpc.StatusCode.UNKNOWN


async def test_bytes_pass_as_they_are_without_a_codec() -> None:
    """For those who carry messages that they do not read."""

    async def handler(request: Any, context: Any) -> Any:
        return request

    server = InProcessServer()
    register(server, {"Echo": handler})
    data = Text(value="hi").SerializeToString()
    assert await server.channel().unary_unary("/chat.arity.v1.ArityService/Echo")(data) == data

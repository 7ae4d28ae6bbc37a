"""A unary call on behalf of a request: the answer, and what is told beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message

from facade.descriptors import Method
from facade.trailers import headers
from mesh.call.status import from_rpc_error


@dataclass(frozen=True, slots=True)
class Answered:
    """What a call came back with. A call that fails raises AioRpcError, which holds its trailing metadata itself."""

    message: Message
    headers: dict[str, str]


async def call(
    method: Method, channel: grpc.aio.Channel, alternatives: Sequence[Message], metadata: Sequence[tuple[str, str]]
) -> Answered:
    """Calls the method, and waits for its end. A further request is tried when ETAG_MISMATCH refused that before it."""
    *others, last = alternatives
    for request in others:
        try:
            return await _call(method, channel, request, metadata)
        except grpc.aio.AioRpcError as error:
            if from_rpc_error(error).reason != "ETAG_MISMATCH":
                raise
    return await _call(method, channel, last, metadata)


async def _call(
    method: Method, channel: grpc.aio.Channel, request: Message, metadata: Sequence[tuple[str, str]]
) -> Answered:
    made = method.on(channel)(request, metadata=metadata)
    return Answered(await made, headers(await made.trailing_metadata()))

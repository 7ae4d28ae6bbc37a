"""Calls of any method over gRPC, as programs outside of the installation make them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from facade.descriptors import Method, all_services, methods
from mesh.call.status import from_rpc_error

WITHIN_S = 20.0
METHODS = {method.path: method for method in methods(all_services())}
Metadata = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to: the reason of its refusal, or else what was answered first."""

    reason: str
    message: Any = None


class Wire:
    """One channel. Streams are read until something comes, and then given up."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel

    def call(self, method: Method, request: Message, metadata: Metadata) -> Answer:
        try:
            return Answer("", self._ask(method, request, tuple(metadata)))
        except grpc.RpcError as error:
            return Answer(from_rpc_error(error).reason)  # type: ignore[arg-type]

    def _ask(self, method: Method, request: Message, metadata: tuple[tuple[str, str], ...]) -> Any:
        descriptor = method.descriptor
        kind = f"{_kind(descriptor.client_streaming)}_{_kind(descriptor.server_streaming)}"
        call = getattr(self._channel, kind)(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        asked = iter((request,)) if descriptor.client_streaming else request
        answered = call(asked, metadata=metadata, timeout=WITHIN_S)
        if not descriptor.server_streaming:
            return answered
        first = next(answered, None)
        answered.cancel()
        return first


def _kind(streams: bool) -> str:
    return "stream" if streams else "unary"


def short(method: Method) -> str:
    """`SendMessage` of `/chat.message.v1.MessageService/SendMessage`."""
    return method.path.rpartition("/")[2]


def is_read(method: Method) -> bool:
    """Whether a call changes nothing."""
    return bool(method.descriptor.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS)

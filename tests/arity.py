"""A proto service with a method of each arity, made at run time, for tests of what carries calls."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, wrappers_pb2
from google.protobuf.descriptor import ServiceDescriptor

from chat.mesh.v1 import options_pb2

SERVICE = "chat.arity.v1.ArityService"
Text = wrappers_pb2.StringValue
_ARITY = {
    "Echo": (False, False),
    "Count": (False, True),
    "Join": (True, False),
    "Talk": (True, True),
    "Follow": (False, True),
}
_POLICIES = {
    "Whoami": options_pb2.Policy(role=options_pb2.ROLE_USER, deadline_ms=1000),
    "Admin": options_pb2.Policy(role=options_pb2.ROLE_ADMIN, deadline_ms=1000),
    "Quick": options_pb2.Policy(role=options_pb2.ROLE_ANONYMOUS, deadline_ms=50),
    "Knock": options_pb2.Policy(
        role=options_pb2.ROLE_ANONYMOUS, rate_class=options_pb2.RATE_CLASS_LOGIN, rate_field="value"
    ),
    "Say": options_pb2.Policy(role=options_pb2.ROLE_USER, rate_class=options_pb2.RATE_CLASS_SEND, rate_field="value"),
    "Follow": options_pb2.Policy(role=options_pb2.ROLE_USER, rate_class=options_pb2.RATE_CLASS_READ),
}


@cache
def descriptor() -> ServiceDescriptor:
    """The service in the default pool: one method for each arity, and some with special policies."""
    file = descriptor_pb2.FileDescriptorProto(
        name="chat/arity/v1/arity.proto",
        package="chat.arity.v1",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto", "chat/mesh/v1/options.proto"],
    )
    service = file.service.add(name="ArityService")
    for name in dict.fromkeys((*_ARITY, *_POLICIES, "Unmarked")):
        client, server = _ARITY.get(name, (False, False))
        text = ".google.protobuf.StringValue"
        method = service.method.add(
            name=name, input_type=text, output_type=text, client_streaming=client, server_streaming=server
        )
        if name != "Unmarked":
            policy = _POLICIES.get(name, options_pb2.Policy(role=options_pb2.ROLE_ANONYMOUS))
            method.options.Extensions[options_pb2.policy].CopyFrom(policy)
    return descriptor_pool.Default().AddSerializedFile(file.SerializeToString()).services_by_name["ArityService"]


def register(server: Any, behaviours: Mapping[str, Any]) -> None:
    """Adds the given behaviours to a server as generated code would."""
    kinds = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    handlers = {
        method.name: kinds[method.client_streaming, method.server_streaming](
            behaviours[method.name], request_deserializer=Text.FromString, response_serializer=Text.SerializeToString
        )
        for method in descriptor().methods
        if method.name in behaviours
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_registered_method_handlers(SERVICE, handlers)


class ArityStub:
    """What generated code would be."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        kinds = {
            (False, False): channel.unary_unary,
            (False, True): channel.unary_stream,
            (True, False): channel.stream_unary,
            (True, True): channel.stream_stream,
        }
        for method in descriptor().methods:
            make = kinds[method.client_streaming, method.server_streaming]
            path = f"/{SERVICE}/{method.name}"
            call = make(path, Text.SerializeToString, Text.FromString)
            setattr(self, method.name, call)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

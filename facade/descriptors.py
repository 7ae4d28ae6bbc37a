"""What the contracts say about each RPC, read once at start: everything at the edge grows from these tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from typing import Any

import grpc
from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule as HttpOption
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chat.mesh.v1.options_pb2 import Policy
from chat.mesh.v1.options_pb2 import policy as policy_option

_HTTP: Any = annotations_pb2.http


@dataclass(frozen=True, slots=True)
class HttpRule:
    """One HTTP binding. `body` is `*` (all fields), a field name, or empty; so is `response_body`, without `*`."""

    verb: str
    path: str
    body: str = ""
    response_body: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC."""

    path: str
    """As gRPC calls it: `/chat.user.v1.AccountService/GetMe`."""
    target: str
    """The service that hosts it: `user` of `chat.user.v1`."""
    descriptor: MethodDescriptor
    request: type[Message]
    response: type[Message]
    rules: tuple[HttpRule, ...]
    policy: Policy

    def on(self, channel: grpc.aio.Channel) -> Any:
        """What calls the method over a channel. Only for one request; the response may be a stream."""
        make = channel.unary_stream if self.descriptor.server_streaming else channel.unary_unary
        return make(
            self.path,
            request_serializer=self.request.SerializeToString,
            response_deserializer=self.response.FromString,
        )


def methods(services: Iterable[ServiceDescriptor]) -> list[Method]:
    """The RPCs of `services`, in the order of their files."""
    return [_method(descriptor) for service in services for descriptor in service.methods]


def all_services() -> list[ServiceDescriptor]:
    """Every service of the contracts, whose generated modules are imported for it."""
    found: list[ServiceDescriptor] = []
    for file in image().file:
        if file.package.startswith("chat.") and file.service:
            module = import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
            found.extend(module.DESCRIPTOR.services_by_name.values())
    return found


def image() -> FileDescriptorSet:
    """The compiled contracts with their comments, which generated code leaves out."""
    return FileDescriptorSet.FromString(files("chat").joinpath("descriptor.binpb").read_bytes())


def comments(image: FileDescriptorSet) -> dict[str, str]:
    """The comment above each thing that has one, by full name. Enum values stand below their enum."""
    return {name: text for file in image.file for name, text in _comments(file)}


def _method(descriptor: MethodDescriptor) -> Method:
    service = descriptor.containing_service
    options = descriptor.GetOptions()
    return Method(
        path=f"/{service.full_name}/{descriptor.name}",
        target=service.full_name.split(".")[1],
        descriptor=descriptor,
        request=GetMessageClass(descriptor.input_type),
        response=GetMessageClass(descriptor.output_type),
        rules=tuple(_rules(options.Extensions[_HTTP])),
        policy=options.Extensions[policy_option],
    )


def _rules(option: HttpOption) -> Iterator[HttpRule]:
    for rule in (option, *option.additional_bindings):
        kind = rule.WhichOneof("pattern")
        if kind == "custom":
            yield HttpRule(rule.custom.kind, rule.custom.path, rule.body, rule.response_body)
        elif kind:
            yield HttpRule(kind.upper(), getattr(rule, kind), rule.body, rule.response_body)


def _comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        if location.leading_comments and (names := _names(file, location.path)):
            lines = (line.strip() for line in location.leading_comments.strip().splitlines())
            yield ".".join((file.package, *names)), " ".join(lines)


def _names(file: FileDescriptorProto, path: Iterable[int]) -> list[str]:
    """The names along a path of (field number, index) pairs; empty for a place that is not a named declaration."""
    node: Message = file
    names: list[str] = []
    numbers = iter(path)
    for number in numbers:
        field, index = node.DESCRIPTOR.fields_by_number[number], next(numbers, None)
        if index is None or not field.is_repeated or field.name not in _DECLARATIONS:
            return []
        node = getattr(node, field.name)[index]
        names.append(node.name)  # type: ignore[attr-defined]
    return names


_DECLARATIONS = {"message_type", "nested_type", "enum_type", "field", "oneof_decl", "value", "service", "method"}

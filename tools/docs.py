"""Writes docs/errors.md and docs/grpc.md from the descriptor image: the references say what the contracts say."""

import argparse
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

ROOT = Path(__file__).resolve().parent.parent
IMAGE = ROOT / "gen" / "chat" / "descriptor.binpb"
REASONS = "chat/common/v1/reason.proto"
OPTIONS = "chat/mesh/v1/options.proto"  # Read by the mesh; nothing that a caller sends.
GENERATED = "<!-- Written by `make gen` from proto/; never edited. -->"
MESSAGE, SERVICE, ENUM = 4, 6, 5  # Field numbers in FileDescriptorProto, which begin a source path.
ROLES = {1: "anybody", 2: "users", 3: "admins", 4: "processes of the installation"}

GRPC_INTRO = """\
Every method, with what the mesh does for it: who may call, its longest time, and where REST and Socket.IO offer it.
Send `authorization: Bearer <access token>` in the metadata, and `x-correlation-id` if you have one. Errors carry one
`google.rpc.ErrorInfo` whose reason stands in [errors.md](errors.md). Server reflection is on."""


class Source:
    """One file of the contracts: its comments by source path, and our extensions of its options."""

    def __init__(self, file: FileDescriptorProto, pool: DescriptorPool) -> None:
        self.file = file
        self._pool = pool
        self._comments = {tuple(at.path): at.leading_comments for at in file.source_code_info.location}

    def comment(self, *path: int) -> str:
        """What stands above the declaration at `path`, on one line, fit for a table."""
        return " ".join(self._comments.get(path, "").split()).replace("|", r"\|")

    def option(self, owner: MethodDescriptorProto | DescriptorProto, name: str) -> Any:
        """The value of an extension of the options of a method or message, such as `google.api.http`."""
        known: Any = GetMessageClass(self._pool.FindMessageTypeByName(owner.options.DESCRIPTOR.full_name))
        # The options were read without our extensions: once more, by a class that knows them.
        return known.FromString(owner.options.SerializeToString()).Extensions[self._pool.FindExtensionByName(name)]


def load(image: Path) -> list[Source]:
    """Our own files in the image, ordered by package."""
    pool, files = DescriptorPool(), FileDescriptorSet.FromString(image.read_bytes()).file
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    ours = [file for file in files if file.package.startswith("chat.")]
    return [Source(file, pool) for file in sorted(ours, key=lambda file: (file.package, file.name))]


def errors_page(sources: list[Source]) -> str:
    """The catalogue of reasons."""
    source = next(source for source in sources if source.file.name == REASONS)
    lines = ["# Errors", "", GENERATED, "", source.comment(ENUM, 0), "", "| code | meaning |", "|---|---|"]
    for index, value in enumerate(source.file.enum_type[0].value):
        if value.number:
            code = value.name.removeprefix("REASON_")
            lines.append(f'| <a id="{code}"></a>`{code}` | {source.comment(ENUM, 0, 2, index)} |')
    return "\n".join(lines) + "\n"


def grpc_page(sources: list[Source]) -> str:
    """The reference of all services, messages and enums."""
    lines = ["# gRPC reference", "", GENERATED, "", GRPC_INTRO]
    shown = (source for source in sources if source.file.name not in (REASONS, OPTIONS))
    for package, group in groupby(shown, key=lambda source: source.file.package):
        files = list(group)
        lines += ["", f"## {package}"]
        for describe in (services, messages, enums):
            for source in files:
                lines += describe(source)
    return "\n".join(lines) + "\n"


def services(source: Source) -> Iterator[str]:
    for index, service in enumerate(source.file.service):
        yield from ("", f"### {service.name}", "", source.comment(SERVICE, index))
        for number, method in enumerate(service.method):
            request, response = type_name(method.input_type), type_name(method.output_type)
            request = f"stream {request}" if method.client_streaming else request
            response = f"stream {response}" if method.server_streaming else response
            yield from ("", f"#### {service.name}.{method.name}", "")
            yield from (f"`rpc {method.name}({request}) returns ({response})`", "")
            yield from (source.comment(SERVICE, index, 2, number), "", " · ".join(traits(source, method)))


def traits(source: Source, method: MethodDescriptorProto) -> Iterator[str]:
    """What the mesh and the facade do for a method, in a few words each."""
    policy, http = source.option(method, "chat.mesh.v1.policy"), source.option(method, "google.api.http")
    yield ROLES[policy.role]
    if policy.session_only:
        yield "no API keys"
    if policy.deadline_ms:
        yield f"{policy.deadline_ms} ms"
    level = MethodOptions.IdempotencyLevel.Name(method.options.idempotency_level)
    if level != "IDEMPOTENCY_UNKNOWN":
        yield level.lower().replace("_", " ")
    if policy.idempotency_key:
        yield "idempotency key"
    if verb := http.WhichOneof("pattern"):
        yield f"`{verb.upper()} {getattr(http, verb)}`"
    if policy.socket_event:
        yield f"socket event `{policy.socket_event}`"


def messages(source: Source) -> Iterator[str]:
    for index, message in enumerate(source.file.message_type):
        yield from ("", f"### {message.name}", "", source.comment(MESSAGE, index))
        event = source.option(message, "chat.mesh.v1.event")
        if event.topic:
            yield from ("", f"On the bus: topic `{event.topic}`, type `{event.type}`.")
        if message.field:
            yield from ("", "| field | no. | type | meaning |", "|---|---|---|---|")
        for number, field in enumerate(message.field):
            meaning = source.comment(MESSAGE, index, 2, number)
            yield f"| `{field.name}` | {field.number} | {field_type(message, field)} | {meaning} |"


def enums(source: Source) -> Iterator[str]:
    for index, enum in enumerate(source.file.enum_type):
        yield from ("", f"### {enum.name}", "", source.comment(ENUM, index), "")
        yield from ("| value | no. | meaning |", "|---|---|---|")
        for number, value in enumerate(enum.value):
            yield f"| `{value.name}` | {value.number} | {source.comment(ENUM, index, 2, number)} |"


def field_type(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    """The type as the proto file writes it."""
    entries = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    if entry := entries.get(field.type_name.rpartition(".")[2]):
        return f"map<{', '.join(field_type(entry, part) for part in entry.field)}>"
    name = type_name(field.type_name) or FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {name}"
    return f"optional {name}" if field.proto3_optional else name


def type_name(full: str) -> str:
    """`.chat.user.v1.User` as `User`; what is not ours keeps its package."""
    return full.rpartition(".")[2] if full.startswith(".chat.") else full.lstrip(".")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "docs", help="folder to write to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    sources = load(IMAGE)
    (out / "errors.md").write_text(errors_page(sources), encoding="utf-8")
    (out / "grpc.md").write_text(grpc_page(sources), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Compiles proto text inside a test, against the contracts of the project, into the default pool."""

from functools import cache
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import Default
from grpc_tools import protoc  # type: ignore[import-untyped, unused-ignore]


@cache
def compiled(name: str, text: str) -> FileDescriptorSet:
    """The image of one file, comments included; its types are then found in the default pool."""
    with TemporaryDirectory() as folder, as_file(files("chat") / "descriptor.binpb") as contracts:
        Path(folder, name).write_text(text)
        image = Path(folder, "image.binpb")
        options = [f"--descriptor_set_in={contracts}", f"-I{folder}", f"--descriptor_set_out={image}"]
        assert protoc.main(["protoc", *options, "--include_source_info", name]) == 0
        result = FileDescriptorSet.FromString(image.read_bytes())
    for file in result.file:
        for dependency in file.dependency:
            import_module(dependency.removesuffix(".proto").replace("/", ".") + "_pb2")
        Default().AddSerializedFile(file.SerializeToString())
    return result

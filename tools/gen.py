"""Generates gen/ from proto/: Python code, typed stubs and the descriptor image, byte for byte the same each time.

The third-party protos come out of installed packages, so nothing is fetched and none is copied into the repository:
google/* as text from googleapis-common-protos, buf/validate as the descriptor inside protovalidate.
"""

import argparse
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf import duration_pb2, field_mask_pb2, timestamp_pb2
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import status_pb2
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
PROTO, GEN = ROOT / "proto", ROOT / "gen"
PLUGINS = ("mypy", "mypy_grpc")
TOOLS = ("grpcio-tools", "mypy-protobuf", "googleapis-common-protos", "protovalidate")

VALIDATE_PB2 = '''\
"""Stands in for buf/validate/validate_pb2: registers the descriptor that protovalidate carries. Generated."""

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, field_mask_pb2, timestamp_pb2
from protovalidate._gen.buf.validate import validate_pb

DEPENDENCIES = (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2)
DESCRIPTOR = descriptor_pool.Default().AddSerializedFile(validate_pb.desc().proto.to_binary())
'''

README = """\
# Generated code

Made from `../proto` by `make gen`; never edited. This folder is an import root: `from chat.message.v1 import ...`.
`chat/descriptor.binpb` is the image of all contracts with their comments, a `google.protobuf.FileDescriptorSet`.

Made with {tools}.
"""


def third_party() -> FileDescriptorSet:
    """The files that our protos import, dependencies first."""
    files: dict[str, FileDescriptorProto] = {}

    def add(file: FileDescriptor) -> None:
        for dependency in file.dependencies:
            add(dependency)
        proto = FileDescriptorProto()
        file.CopyToProto(proto)
        files.setdefault(proto.name, proto)

    for module in (annotations_pb2, duration_pb2, field_mask_pb2, timestamp_pb2, status_pb2):
        add(module.DESCRIPTOR)
    validate = FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())
    files[validate.name] = validate
    return FileDescriptorSet(file=files.values())


def compile_protos(out: Path) -> None:
    """Runs protoc and its plugins over all of proto/, into `out`."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    image = out / "chat" / "descriptor.binpb"
    image.parent.mkdir()
    with tempfile.NamedTemporaryFile() as imports:
        imports.write(third_party().SerializeToString(deterministic=True))
        imports.flush()
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={imports.name}", f"-I{PROTO}"]
        command += [f"--plugin=protoc-gen-{p}={Path(sys.executable).with_name(f'protoc-gen-{p}')}" for p in PLUGINS]
        command += [f"--{name}_out={out}" for name in ("python", "grpc_python")]
        command += [f"--{name}_out=quiet:{out}" for name in PLUGINS]
        command += [f"--descriptor_set_out={image}", "--include_imports", "--include_source_info"]
        subprocess.run([*command, *sources], check=True, cwd=PROTO)


def add_the_rest(out: Path) -> None:
    """Adds what protoc does not write: the stand-in, the package markers and the page about the folder."""
    stand_in = out / "buf" / "validate" / "validate_pb2.py"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text(VALIDATE_PB2)
    for folder in [path for path in out.rglob("*") if path.is_dir()]:
        (folder / "__init__.py").touch()
    (out / "README.md").write_text(README.format(tools=", ".join(f"{tool} {version(tool)}" for tool in TOOLS)))


def replace(old: Path, new: Path) -> None:
    """Makes `old` what `new` is. A file that is the same already is left alone, for those who are reading it."""
    fresh = {path.relative_to(new): path.read_bytes() for path in new.rglob("*") if path.is_file()}
    for name in [path.relative_to(old) for path in old.rglob("*") if path.is_file()]:
        if name not in fresh and name.suffix != ".pyc":
            (old / name).unlink()
    for name, content in fresh.items():
        target = old / name
        if not target.exists() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=GEN, help="folder to write to")
    with tempfile.TemporaryDirectory() as scratch:
        compile_protos(Path(scratch))
        add_the_rest(Path(scratch))
        replace(parser.parse_args().out.resolve(), Path(scratch))


if __name__ == "__main__":
    main()

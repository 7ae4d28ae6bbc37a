"""What is generated and committed is what the tools make of proto/ today."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files(folder: Path) -> Mapping[str, bytes]:
    """Content by path; what Python caches beside it does not count."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def run_tool(name: str, out: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / name, out], check=True, cwd=out.parent)


def test_regenerating_the_code_gives_the_same_bytes(tmp_path: Path) -> None:
    """gen/ holds exactly what `make gen` writes: no file more, none less, each byte the same."""
    run_tool("gen.py", tmp_path / "gen")
    fresh, committed = files(tmp_path / "gen"), files(ROOT / "gen")
    assert sorted(fresh) == sorted(committed)
    assert [name for name in fresh if fresh[name] != committed[name]] == []


def test_regenerating_leaves_nothing_of_a_contract_that_is_gone(tmp_path: Path) -> None:
    """A file that no proto stands for any more is removed, and one that is right is not written again."""
    out = tmp_path / "gen"
    run_tool("gen.py", out)
    kept, stale = out / "chat" / "descriptor.binpb", out / "chat" / "gone_pb2.py"
    stale.touch()
    written_at = kept.stat().st_mtime_ns
    run_tool("gen.py", out)
    assert not stale.exists()
    assert kept.stat().st_mtime_ns == written_at


def test_the_references_are_fresh(tmp_path: Path) -> None:
    """docs/errors.md and docs/grpc.md say what the contracts say."""
    run_tool("docs.py", tmp_path / "docs")
    for name, content in files(tmp_path / "docs").items():
        assert content == (ROOT / "docs" / name).read_bytes(), f"docs/{name} is stale: run `make gen`"

"""What the measurements need beside the project: made once, in a folder of its own, versions pinned."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.machine import ROOT

CENTRIFUGO = "github.com/centrifugal/centrifugo/v6@v6.9.1"
NODE_PACKAGES = ("socket.io@4.8.4", "pg@8.23.1")
_FOLDER = "CHAT_BENCH_CACHE"


class Missing(Exception):
    """What cannot be had on this machine, and why. Its rows are left out."""


def folder() -> Path:
    """Where it is kept: below the folder for temporary files, or where `CHAT_BENCH_CACHE` says."""
    found = Path(os.environ.get(_FOLDER) or Path(tempfile.gettempdir()) / "chat-bench").absolute()
    (found / "bin").mkdir(parents=True, exist_ok=True)
    return found


def load() -> Path:
    """The load generator. It is built anew each time: Go knows by itself what has changed."""
    target = folder() / "bin" / "load"
    _run("the load generator", ["go", "build", "-o", str(target), "."], cwd=ROOT / "bench" / "load")
    return target


def broadcaster() -> Path:
    target = folder() / "bin" / "broadcaster"
    source = ROOT / "bench" / "targets" / "broadcaster.c"
    _run("the broadcaster", ["gcc", "-O2", "-Wall", "-o", str(target), str(source)])
    return target


def centrifugo() -> Path:
    def install(target: Path) -> None:
        _run("Centrifugo", ["go", "install", CENTRIFUGO], env={"GOBIN": str(target.parent)})

    return _once(folder() / "bin" / "centrifugo", install)


def node_modules() -> Path:
    def install(target: Path) -> None:
        target.parent.mkdir(exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(target.parent), *NODE_PACKAGES]
        _run("socket.io", command)

    return _once(folder() / "node" / "node_modules", install)


def _once(target: Path, install: Callable[[Path], None]) -> Path:
    if not target.exists():
        install(target)
    return target


def _run(what: str, command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    program = command[0]
    if shutil.which(program) is None:
        raise Missing(f"{what} needs {program}")
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise Missing(f"{what} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")

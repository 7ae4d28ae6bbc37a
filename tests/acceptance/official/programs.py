"""The official clients, each held by a small program of its own language that is built outside of the project.

A program takes a command a line of JSON on its stdin, and says what happens on its stdout:
    {id, op: "connect", socket, url, auth, transports}  -> {id, answer: null}; how it goes is told as events
    {id, op: "auth", socket, auth}                      -> {id, answer: null}; what to connect again with
    {id, op: "emit", socket, event, data}               -> {id, answer: <acknowledgement>} or {id, error}
    {id, op: "close", socket}                           -> {id, answer: null}
    {socket, event, data}                               for each event; `$connect`, `$disconnect` with the client's own
                                                        reason, `$refused` with what it was told
The end of stdin ends it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.javascript import PACKAGE, VERSION
from tests.acceptance.npm import installed

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Program:
    """A client of a language: the tools it needs, and how it is built and started."""

    name: str
    tools: Sequence[str]
    build: Callable[[], Sequence[str | Path]]
    """Builds it where it is not built yet; the command that starts it."""
    transports: Sequence[str] = ("websocket", "polling", "upgrade")

    @property
    def missing(self) -> list[str]:
        return [tool for tool in self.tools if shutil.which(tool) is None]


def _scratch(name: str) -> Path:
    """A folder for what is built, with the sources of a program."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "massive-scale-chat" / name
    folder.mkdir(parents=True, exist_ok=True)
    for source in (HERE / name).iterdir():
        copy = folder / source.name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copyfile(source, copy)
    return folder


def _javascript() -> Sequence[str | Path]:
    return "node", HERE / "client.mjs", installed(PACKAGE, VERSION)


def _python() -> Sequence[str | Path]:
    return sys.executable, HERE / "client.py"


def _java() -> Sequence[str | Path]:
    folder = _scratch("java")
    libraries = folder / "lib"
    if not libraries.exists():
        copy = ("dependency:copy-dependencies", f"-DoutputDirectory={libraries}")
        subprocess.run(["mvn", "-q", "-B", "-f", str(folder / "pom.xml"), *copy], check=True)
    return "java", "-cp", f"{libraries}/*", folder / "Client.java"


def _rust() -> Sequence[str | Path]:
    folder = _scratch("rust")
    subprocess.run(["cargo", "build", "--quiet", "--manifest-path", str(folder / "Cargo.toml")], check=True)
    return (folder / "target" / "debug" / "official-client",)


PROGRAMS = (
    Program("JavaScript", ("node", "npm"), _javascript),
    Program("Python", (), _python),
    Program("Java", ("java", "mvn"), _java),
    # Not polling alone: it takes each piece of an answer that comes in several for an answer of its own.
    Program("Rust", ("cargo",), _rust, ("websocket", "upgrade")),
)

"""The load generator of `bench/load`, in a process on a core of its own."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.peers import cache
from bench.peers.process import cores, cpu_seconds, pinned, settled_cpu_seconds, stop
from bench.peers.target import Room, Target


@dataclass(frozen=True, slots=True)
class Figures:
    """What the generator counted in a run. Latencies count from when a message was due."""

    offered: float
    sent: int
    acked: int
    refused: int
    delivered: int
    missing: int
    duplicated: int
    reordered: int
    p50_us: int
    p90_us: int
    p99_us: int
    p999_us: int
    ack_p50_us: int
    ack_p99_us: int
    late_p99_us: int
    cpu_s: float
    wall_s: float
    server_cpu_s: float = 0
    """Of all of the server, until it was quiet again."""

    @property
    def flaws(self) -> list[str]:
        """What makes the run worthless, or tells how it differs from one in which all went right."""
        counts = {
            "missing": self.missing,
            "duplicated": self.duplicated,
            "out of order": self.reordered,
            "not acknowledged": self.sent - self.acked,
            "% of a core for the generator": self.cpu_s / self.wall_s * 100 if self.cpu_s > self.wall_s / 2 else 0,
        }
        return [f"{count:.0f} {name}" for name, count in counts.items() if count]


class Load:
    """Commands of the generator, one at a time."""

    def __init__(self, process: subprocess.Popen[bytes], target: Target) -> None:
        self._process, self._target = process, target

    def connect(self, sockets: int = 0) -> float:
        """Opens sockets until so many of the plan are open, all by default; how long it took, in seconds."""
        return float(self._do("connect", sockets=sockets)["wall_s"])

    def talk(self, rate: float, seconds: float, rooms: int = 0) -> Figures:
        """Messages at this rate in the first so many rooms, all by default."""
        before = cpu_seconds(self._target.roots)
        said = self._do("talk", rate=rate, seconds=seconds, rooms=rooms)
        return Figures(**said, server_cpu_s=settled_cpu_seconds(self._target.roots) - before)

    def storm(self, seconds: float) -> dict[str, float]:
        """Restarts the target under all sockets, and waits until they are back or so many seconds have passed."""
        assert self._target.restart is not None
        self._do("storm", seconds=seconds)
        self._target.restart()
        return self._read()

    def _do(self, what: str, **arguments: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The load generator failed; its own words stand above.")
        said: dict[str, Any] = json.loads(line)
        return said


@contextmanager
def crowd(target: Target, rooms: Sequence[Room]) -> Iterator[Load]:
    """The members of these rooms, none of them connected yet."""
    program = cache.load()
    with tempfile.TemporaryDirectory(prefix="chat-bench-") as folder:
        plan = Path(folder) / "plan.json"
        plan.write_text(json.dumps({"rooms": [asdict(room) for room in rooms]}))
        command = [str(program), "-dialect", target.dialect, "-url", target.url, "-plan", str(plan)]
        with pinned(cores()[1]):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            yield Load(process, target)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            stop(process)

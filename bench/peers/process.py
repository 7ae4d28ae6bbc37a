"""Processes that are pinned to a core, and what they use: all of what each has started counts with it. Linux only."""

import os
import resource
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


def cores() -> tuple[int, int]:
    """That of the servers and that of the load generator: the same where there is one only."""
    found = sorted(os.sched_getaffinity(0))
    return found[0], found[-1]


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """What is started inside runs on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_limit() -> None:
    """As many open files as the system allows: what is started inherits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def server(
    command: Sequence[str], port: int, log: Path, env: Mapping[str, str] | None = None, user: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server on the servers' core, once its port answers; ended at the end."""
    process = start_server(command, port, log, env, user)
    try:
        yield process
    finally:
        stop(process)


def start_server(
    command: Sequence[str], port: int, log: Path, env: Mapping[str, str] | None = None, user: str | None = None
) -> subprocess.Popen[bytes]:
    with log.open("ab") as said, pinned(cores()[0]):
        process = subprocess.Popen(
            command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, user=user
        )
    deadline = time.monotonic() + 60
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            raise RuntimeError(f"{command[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process
        except OSError:
            time.sleep(0.01)


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(roots: Collection[int]) -> float:
    """User and system seconds of these processes and of all below them, those included that have ended."""
    return sum(sum(map(int, _stat(pid)[11:15])) for pid in _tree(roots)) / os.sysconf("SC_CLK_TCK")


def rss_bytes(roots: Collection[int]) -> int:
    return sum(int(_stat(pid)[21]) for pid in _tree(roots)) * os.sysconf("SC_PAGE_SIZE")


def settled_cpu_seconds(roots: Collection[int], within_s: float = 5) -> float:
    """The same once they do next to nothing more."""
    deadline, before = time.monotonic() + within_s, -1.0
    while (spent := cpu_seconds(roots)) - before > 0.02 and time.monotonic() < deadline:
        before = spent
        time.sleep(0.5)
    return spent


def _tree(roots: Collection[int]) -> set[int]:
    children = defaultdict(list)
    for path in Path("/proc").iterdir():
        if path.name.isdecimal() and (stat := _stat(int(path.name))):
            children[int(stat[1])].append(int(path.name))
    found, waiting = set[int](), list(roots)
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children[pid]
    return found


def _stat(pid: int) -> list[str]:
    """The fields after the name; none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []

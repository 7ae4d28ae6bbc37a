"""What a socket costs on which nothing happens, by the slope between few and many: of memory, and of CPU."""

import time
from collections.abc import Sequence

from bench.fill import is_quick
from bench.peers import others, ours
from bench.peers.compare import Open
from bench.peers.goals import Row
from bench.peers.load import crowd
from bench.peers.process import cpu_seconds, rss_bytes

FEW, MANY, ROOM, WATCHED_S = 1000, 5000, 10, 75
"""At least three pings of each socket fall into that time."""


def idle() -> Sequence[Row]:
    mine, others_ = _cost(ours.on_sqlite), _cost(others.stock)
    return [
        Row(
            "i",
            f"RSS per idle socket, {_size(FEW):,} to {_size(MANY):,}: python-socketio",
            f"{mine[0] / 1024:.1f} KiB",
            f"{others_[0] / 1024:.1f} KiB",
            mine[0] / others_[0],
        ),
        Row(
            "j",
            "CPU per idle socket and second: python-socketio",
            f"{mine[1]:.1f} µs",
            f"{others_[1]:.1f} µs",
            mine[1] / others_[1],
        ),
    ]


def _cost(target: Open) -> tuple[float, float]:
    """Bytes a socket, and microseconds of CPU a socket and second."""
    few, many = _size(FEW), _size(MANY)
    with target() as running, crowd(running, running.rooms(many // ROOM, ROOM)) as load:
        found = []
        for sockets in (few, many):
            load.connect(sockets)
            time.sleep(2)  # What the handshakes left is collected or not by then, as it would be.
            memory, before, started = rss_bytes(running.roots), cpu_seconds(running.roots), time.monotonic()
            time.sleep(10 if is_quick() else WATCHED_S)
            busy = (cpu_seconds(running.roots) - before) / (time.monotonic() - started)
            found.append((memory, busy))
    (few_bytes, few_busy), (many_bytes, many_busy) = found
    return (many_bytes - few_bytes) / (many - few), (many_busy - few_busy) / (many - few) * 1e6


def _size(usual: int) -> int:
    return usual // 5 if is_quick() else usual

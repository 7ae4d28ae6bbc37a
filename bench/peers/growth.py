"""How the cost of ours grows: the exponent, by a straight line through the logarithms."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import log
from statistics import linear_regression

from bench.fill import is_quick
from bench.peers import ours
from bench.peers.compare import WARM_S, per_delivery_us, per_message_us
from bench.peers.goals import Row
from bench.peers.load import Load, crowd
from bench.peers.process import cpu_seconds
from bench.peers.target import Target

RATE, ROOM, SECONDS = 100.0, 10, 10.0
IDLE = (100, 300, 1000, 3000)
ROOMS = (10, 30, 100, 300)
HISTORY = (300, 1000, 3000, 10_000)
MEMBERS = (30, 100, 300, 1000)


def growth() -> Iterator[Row]:
    yield _row("m", "CPU per delivery against idle sockets", _against_idle())
    yield _row("m", "CPU per delivery against rooms", _against_rooms())
    yield _row("m", "CPU per delivery against the length of a history", _against_history())
    yield _row("m'", "CPU per message against members", _against_members())


def exponent(costs: Mapping[int, float]) -> float:
    """`costs` are by size."""
    return linear_regression([log(size) for size in costs], [log(cost) for cost in costs.values()]).slope


def _row(goal: str, what: str, costs: Mapping[int, float]) -> Row:
    (least, first), *_, (most, last) = costs.items()
    what = f"{what}, {least:,} to {most:,}: by itself"
    return Row(goal, what, f"{last:.0f} µs", f"{first:.0f} µs", exponent(costs))


@contextmanager
def _connected(rooms: int, members: int, sockets: int = 0) -> Iterator[tuple[Target, Load]]:
    with ours.on_sqlite() as running, crowd(running, running.rooms(rooms, members)) as load:
        load.connect(sockets)
        yield running, load


def _against_idle() -> dict[int, float]:
    """Ten rooms talk. What the others cost by being there is taken off: it has a row of its own."""
    sizes = IDLE[: 2 if is_quick() else None]
    costs = {}
    with _connected(10 + max(sizes) // ROOM, ROOM, 10 * ROOM) as (running, load):
        load.talk(RATE, WARM_S, rooms=10)
        for idle in sizes:
            load.connect(10 * ROOM + idle)
            before, started = cpu_seconds(running.roots), time.monotonic()
            time.sleep(_seconds())
            busy = (cpu_seconds(running.roots) - before) / (time.monotonic() - started)
            found = load.talk(RATE, _seconds(), rooms=10)
            costs[idle] = (found.server_cpu_s - busy * found.wall_s) / found.delivered * 1e6
    return costs


def _against_rooms() -> dict[int, float]:
    sizes = ROOMS[: 2 if is_quick() else None]
    with _connected(max(sizes), ROOM) as (_, load):
        load.talk(RATE, WARM_S)
        return {rooms: per_delivery_us(load.talk(RATE, _seconds(), rooms)) for rooms in sizes}


def _against_history() -> dict[int, float]:
    """One room, which is talked in until it is as long."""
    sizes = HISTORY[: 2 if is_quick() else None]
    costs, length = {}, 0.0
    with _connected(1, ROOM) as (_, load):
        for size in sizes:
            load.talk(RATE, max(size - length, RATE) / RATE)
            costs[size] = per_delivery_us(load.talk(RATE, _seconds()))
            length = size + RATE * _seconds()
    return costs


def _against_members() -> dict[int, float]:
    costs = {}
    for members in MEMBERS[: 2 if is_quick() else None]:
        with _connected(1, members) as (_, load):
            rate = RATE * 30 / members
            load.talk(rate, WARM_S)
            costs[members] = per_message_us(load.talk(rate, _seconds()))
    return costs


def _seconds() -> float:
    return 3 if is_quick() else SECONDS

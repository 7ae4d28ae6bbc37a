"""Messages through the store when many wait, and when each has a commit of its own."""

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from bench.clock import Stopwatch
from bench.fill import is_quick
from bench.folder import on_disk
from bench.peers.compare import spread
from bench.peers.goals import Row
from bench.writer import Room, open_room

WAITING, TOGETHER, ALONE = 200, 6000, 600
"""Messages that wait at a time; messages that are written so, and one by one."""


def store() -> Sequence[Row]:
    return [asyncio.run(_measure())]


async def _measure() -> Row:
    part = 5 if is_quick() else 1
    with on_disk() as folder:
        async with open_room(folder, CollectorRegistry()) as room:
            await room.send(WAITING, WAITING)
            alone = [await _rate(room, ALONE // part, 1) for _ in range(2)]
            together = await _rate(room, TOGETHER // part, WAITING)
    one = sum(alone) / len(alone)
    what = f"persisted messages a second, {WAITING} waiting, SQLite: a commit each"
    return Row("h", what, f"{together:.0f}/s", f"{one:.0f}/s", together / one, spread([alone[0] / alone[1]]))


async def _rate(room: Room, count: int, waiting: int) -> float:
    watch = Stopwatch()
    await room.send(count, waiting)
    return count / watch.wall_s()

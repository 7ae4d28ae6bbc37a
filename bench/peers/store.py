"""Messages through the store when many wait, and through a bare driver with a commit for each."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from bench.fill import is_quick
from bench.folder import on_disk
from bench.peers.compare import spread
from bench.peers.goals import Row
from bench.writer import bare, measure, open_room
from mesh.database import sqlite_url

KIND, WAITING, TOGETHER = "SQLite", 500, 20_000
"""Messages that wait at a time, and messages in all."""


def store() -> Sequence[Row]:
    with on_disk() as folder:
        return [asyncio.run(_measured(folder))]


async def _measured(folder: Path) -> Row:
    first, second = [bare(sqlite_url(folder / f"{name}.db"), KIND).rate for name in ("first", "second")]
    alone, registry = (first + second) / 2, CollectorRegistry()
    async with open_room(sqlite_url(folder / "message.db"), registry) as room:
        count = TOGETHER // 10 if is_quick() else TOGETHER
        together = (await measure(room, registry, KIND, WAITING, count)).rate
    what = f"persisted messages a second, {WAITING} waiting, {KIND}: a bare driver, a commit each"
    return Row("h", what, f"{together:.0f}/s", f"{alone:.0f}/s", together / alone, spread([first / second]))

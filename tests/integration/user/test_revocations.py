"""RevocationService over a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chat.user.v1 import revocation_service_pb2 as pb
from mesh.database import Database, open_database, sqlite_url
from mesh.errors import Unavailable
from services.user.revocations import servicer as module
from services.user.revocations.domain import REMEMBERED
from services.user.revocations.servicer import RevocationServicer
from services.user.revocations.store_sql import SqlRevocationStore
from services.user.revocations.tail import Tail, looking
from services.user.revocations.writes_sql import revoke
from services.user.service import MIGRATIONS

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


class World:
    """The service of one process, whose tail looks only when it is woken."""

    def __init__(self, database: Database, *, beat_s: float = 60.0) -> None:
        self.database = database
        store = SqlRevocationStore(database)
        self.tail = Tail(store, look_s=60)
        self.servicer = RevocationServicer(store, self.tail, clock=lambda: NOW, beat_s=beat_s)

    async def revoke(self, *ids: str) -> None:
        await self.database.write(lambda connection: revoke(connection, ids, NOW))

    def watch(self, after: int = 0) -> Any:
        return self.servicer.WatchRevocations(pb.WatchRevocationsRequest(after=after), None)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_database(sqlite_url(tmp_path / "user.db"), MIGRATIONS) as database:
        world = World(database)
        database.on_written(world.tail.wake)
        async with looking(world.tail):
            yield world


async def frame(stream: Any) -> tuple[list[str], int]:
    told = await asyncio.wait_for(anext(stream), 5)
    return [item.session_id for item in told.items], told.position


async def test_a_stream_tells_what_is_in_force_and_what_comes(world: World) -> None:
    """At once, from where one asks, with the time when it may be forgotten."""
    await world.revoke("a", "b")
    stream, later = world.watch(), world.watch(after=1)
    first = await anext(stream)
    assert [item.session_id for item in first.items] == ["a", "b"]
    assert first.items[0].expires_at.ToDatetime(UTC) == NOW + REMEMBERED
    assert await frame(later) == (["b"], 2)
    await world.revoke("c")
    for each in (stream, later):
        assert await frame(each) == (["c"], 3)


async def test_more_than_a_frame_comes_in_several(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for anything; so does what is asked for at once."""
    monkeypatch.setattr(module, "FRAME", 2)
    await world.revoke(*"abcde")
    stream = world.watch()
    assert [await frame(stream) for _ in range(3)] == [(["a", "b"], 2), (["c", "d"], 4), (["e"], 5)]
    answer = await world.servicer.GetRevocations(pb.GetRevocationsRequest(after=4), None)
    assert ([item.session_id for item in answer.items], answer.position) == (["e"], 5)
    answer = await world.servicer.GetRevocations(pb.GetRevocationsRequest(after=5), None)
    assert (list(answer.items), answer.position) == ([], 5)


async def test_silence_has_a_beat(world: World) -> None:
    """A frame without entries, which tells where the log stands."""
    await world.revoke("a")
    beating = World(world.database, beat_s=0.01)
    async with looking(beating.tail):
        stream = beating.watch()
        assert [await frame(stream) for _ in range(3)] == [(["a"], 1), ([], 1), ([], 1)]


async def test_streams_end_when_the_process_drains(world: World) -> None:
    """So that who watches goes on elsewhere."""
    stream = world.watch()
    await frame(stream)
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    world.tail.drain()
    with pytest.raises(Unavailable, match="DRAINING"):
        await asyncio.wait_for(waiting, 5)


async def test_streams_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is sent elsewhere; one that is closed makes room."""
    monkeypatch.setattr(module, "MAX_STREAMS", 1)
    stream = world.watch()
    await frame(stream)
    with pytest.raises(Unavailable, match="OVERLOADED"):
        await frame(world.watch())
    await stream.aclose()
    await frame(world.watch())

"""Where the log of revocations ends, against a store whose position and faults a test sets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import pytest

from mesh.errors import Unavailable
from services.user.revocations.domain import Frame
from services.user.revocations.tail import STALE_S, Tail, looking


class Store:
    def __init__(self) -> None:
        self.head = self.looks = 0
        self.broken = False

    async def position(self) -> int:
        self.looks += 1
        if self.broken:
            raise ConnectionError
        return self.head

    async def after(self, position: int, now: datetime, limit: int) -> Frame:
        raise AssertionError

    async def sweep(self, now: datetime, limit: int) -> int:
        raise AssertionError


class World:
    def __init__(self, look_s: float) -> None:
        self.now = 0.0
        self.store = Store()
        self.tail = Tail(self.store, look_s=look_s, clock=lambda: self.now)

    async def until_looked(self) -> None:
        await until(lambda: self.store.looks > 0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Looks only when it is woken."""
    world = World(look_s=60)
    async with looking(world.tail):
        await world.until_looked()
        yield world


async def test_who_waits_hears_of_a_write_at_once(world: World) -> None:
    """All who do, by one look."""
    waiting = [asyncio.create_task(world.tail.beyond(0, 60)) for _ in range(10)]
    await asyncio.sleep(0)
    world.store.head = 3
    world.tail.wake()
    assert await asyncio.wait_for(asyncio.gather(*waiting), 5) == [True] * 10
    assert world.store.looks == 2
    assert await world.tail.beyond(2, 60)


async def test_nothing_new_is_told_after_the_wait(world: World) -> None:
    """So that who waits can say that they live; a write that ends no session changes nothing."""
    world.tail.wake()
    assert not await world.tail.beyond(0, 0.01)


async def test_what_other_processes_write_is_looked_for() -> None:
    """Without any wake."""
    world = World(look_s=0.001)
    async with looking(world.tail):
        world.store.head = 1
        assert await world.tail.beyond(0, 5)


async def test_who_cannot_tell_says_so(world: World) -> None:
    """Silence of the database is no peace; it looks on, and is heard again afterwards."""
    world.store.broken = True
    world.tail.wake()
    await until(lambda: world.store.looks == 2)
    assert not await world.tail.beyond(0, 0.01)
    world.now += 60 + STALE_S + 0.1
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await world.tail.beyond(0, 0.01)
    world.store.broken, world.store.head = False, 1
    world.tail.wake()
    await until(lambda: world.store.looks == 3)
    assert await world.tail.beyond(0, 5)


async def test_draining_ends_all_waiting(world: World) -> None:
    """At once; their streams go on elsewhere."""
    waiting = asyncio.create_task(world.tail.beyond(0, 60))
    await asyncio.sleep(0)
    world.tail.drain()
    with pytest.raises(Unavailable, match="DRAINING"):
        await asyncio.wait_for(waiting, 5)

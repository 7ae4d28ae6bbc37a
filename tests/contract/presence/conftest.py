"""The stores that the contract is held against: memory always, Redis where CHAT_TEST_REDIS_URL names one."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from services.presence.domain import Record, User
from services.presence.store import Bells, PresenceStore
from services.presence.store_memory import MemoryStore
from services.presence.store_redis import open_redis

REDIS = os.environ.get("CHAT_TEST_REDIS_URL", "")
WITHIN_S = 10


@dataclass
class Clock:
    """Moved by hand. A server's own goes on beside it, so what a test waits for lasts much longer than the test."""

    ms: int = 1_000_000_000

    def advance(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@dataclass
class Ears:
    """What a store rang."""

    rung: list[tuple[str, bool]] = field(default_factory=list)
    lost: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def bells(self) -> Bells:
        return Bells(self._ring, self._lose)

    def _ring(self, user_id: str, came_online: bool) -> None:
        self.rung.append((user_id, came_online))
        self.changed.set()

    def _lose(self) -> None:
        self.lost += 1
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def next(self, user: User) -> bool:
        """The next ring for a user: whether a device brought them online. Rings of others before it are dropped."""
        await self.until(lambda: any(user_id == user.id for user_id, _ in self.rung))
        while (rung := self.rung.pop(0))[0] != user.id:
            pass
        return rung[1]


@dataclass(frozen=True, slots=True)
class Rig:
    store: PresenceStore
    clock: Clock
    ears: Ears

    async def watch(self, user: User) -> None:
        """Watches, until the store says that it does."""
        await self.store.watch([user.id])
        assert await self.ears.next(user) is False

    async def record(self, user: User) -> tuple[int, Record]:
        """The present moment, and what is kept."""
        found = await self.store.read([user])
        return found.now_ms, found.records[0]

    async def live(self, user: User) -> int:
        """How many leases of a user hold."""
        now, record = await self.record(user)
        return sum(device.until_ms > now for device in record.devices)


@asynccontextmanager
async def open_memory() -> AsyncIterator[Rig]:
    clock, ears = Clock(), Ears()
    yield Rig(MemoryStore(ears.bells, clock=lambda: clock.ms), clock, ears)


@asynccontextmanager
async def open_shared(prefix: str = "") -> AsyncIterator[Rig]:
    """On keys of its own, unless it is to share those of another."""
    clock, ears, own = Clock(0), Ears(), prefix or f"test:{uuid4().hex}:"
    async with open_redis(REDIS, ears.bells, prefix=own, ahead_ms=lambda: clock.ms) as store:
        yield Rig(store, clock, ears)
    if not prefix:
        await wipe(own)


async def wipe(prefix: str) -> None:
    async with Redis.from_url(REDIS) as redis:
        if keys := [key async for key in redis.scan_iter(f"{prefix}*")]:
            await redis.delete(*keys)


STORES: dict[str, Callable[[], AbstractAsyncContextManager[Rig]]] = {
    "memory": open_memory,
    **({"redis": open_shared} if REDIS else {}),
}


@pytest.fixture(params=STORES)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with STORES[request.param]() as rig:
        yield rig

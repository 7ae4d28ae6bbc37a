"""The limiters that the contract is held against: memory always, Redis where CHAT_TEST_REDIS_URL names one."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from mesh.limits.limiter import Limiter
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.limits.limiter_redis import open_redis

REDIS = os.environ.get("CHAT_TEST_REDIS_URL", "")


@dataclass
class Clock:
    """Moved by hand. A server's own goes on beside it, so accounts of a test last much longer than the test."""

    ns: int = 1

    def advance(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


@dataclass(frozen=True, slots=True)
class Rig:
    limiter: Limiter
    clock: Clock


@asynccontextmanager
async def open_memory() -> AsyncIterator[Rig]:
    clock = Clock()
    yield Rig(MemoryLimiter(clock=lambda: clock.ns), clock)


@asynccontextmanager
async def open_shared() -> AsyncIterator[Rig]:
    clock, prefix = Clock(), f"test:{uuid4().hex}:"
    async with open_redis(REDIS, kind="test", prefix=prefix, ahead_ns=lambda: clock.ns) as limiter:
        yield Rig(limiter, clock)
    async with Redis.from_url(REDIS) as redis:
        await redis.delete(*[key async for key in redis.scan_iter(f"{prefix}*")])


LIMITERS: dict[str, Callable[[], AbstractAsyncContextManager[Rig]]] = {
    "memory": open_memory,
    **({"redis": open_shared} if REDIS else {}),
}


@pytest.fixture(params=LIMITERS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with LIMITERS[request.param]() as rig:
        yield rig

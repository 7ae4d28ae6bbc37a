"""A fresh presence service for each test: in memory always, on Redis where CHAT_TEST_REDIS_URL names one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.contract.presence.conftest import REDIS
from tests.integration.presence.world import World, open_world


@pytest.fixture(params=["memory", *(["redis"] if REDIS else [])])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Users of a test are its own, so that tests share a Redis without a word to each other."""
    async with open_world(tmp_path, REDIS if request.param == "redis" else "") as world:
        yield world
    if request.param == "redis":
        async with Redis.from_url(REDIS) as redis:
            for user_id in world.users:
                await redis.delete(f"presence:{user_id}", f"presence:custom:{user_id}", f"presence:seen:{user_id}")

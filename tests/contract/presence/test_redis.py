"""What only a store that others share has to bear: other processes, an outage, and the loss of everything."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from mesh.errors import Unavailable
from services.presence.domain import Custom, Lease, Status, User
from services.presence.store_redis import open_redis
from tests.contract.presence.conftest import REDIS, WITHIN_S, Ears, open_shared, wipe
from tests.contract.proxy import Proxy, proxy

pytestmark = pytest.mark.skipif(not REDIS, reason="CHAT_TEST_REDIS_URL names no Redis")


@pytest.fixture
async def prefix() -> AsyncIterator[str]:
    prefix = f"test:{uuid4().hex}:"
    yield prefix
    await wipe(prefix)


@pytest.fixture
async def between() -> AsyncIterator[Proxy]:
    server = urlsplit(REDIS)
    async with proxy(server.hostname or "", server.port or 6379) as between:
        yield between


@pytest.fixture
def anna() -> User:
    return User("acme", str(uuid4()))


def lease(user: User, socket_id: str = "s1") -> Lease:
    return Lease(user, "session", socket_id, "gateway")


async def test_a_device_is_kept_as_others_expect_it(prefix: str, anna: User) -> None:
    """In a hash of the user, which ends by itself within five minutes."""
    async with open_shared(prefix) as rig, Redis.from_url(REDIS) as redis:
        await rig.store.apply([lease(anna)], [], [])
        kept = json.loads(await redis.hget(f"{prefix}{anna.id}", "session:s1") or "")
        now, _ = await rig.record(anna)
        assert 0 < await redis.ttl(f"{prefix}{anna.id}") <= 300
    assert {**kept, "lastSeen": 0, "leaseUntil": 0} == {
        "status": "online",
        "device": "session",
        "socketId": "s1",
        "node": "gateway",
        "workspace": "acme",
        "lastSeen": 0,
        "leaseUntil": 0,
    }
    assert now < kept["leaseUntil"] <= now + 60_000


async def test_all_processes_see_and_hear_the_same(prefix: str, anna: User) -> None:
    """Who watches is told of what another process did; who does not watch is left alone."""
    async with open_shared(prefix) as here, open_shared(prefix) as there, open_shared(prefix) as deaf:
        await here.watch(anna)
        await there.store.apply([lease(anna)], [], [])
        assert await here.ears.next(anna) is True
        assert await here.live(anna) == 1
        here.clock.advance(100)
        await here.store.sweep(100)
        assert await here.ears.next(anna) is False
        assert deaf.ears.rung == there.ears.rung == []


async def test_the_loss_of_everything_is_noticed_by_everybody(prefix: str) -> None:
    """Whoever asks next has the devices announced again; once."""
    async with open_shared(prefix) as here, open_shared(prefix) as there:
        for rig in (here, there):
            await rig.store.sweep(1)
        await wipe(prefix)
        for _ in range(3):
            await here.store.sweep(1)
            await there.store.sweep(1)
        assert (here.ears.lost, there.ears.lost) == (1, 1)


async def test_nobody_waits_for_a_redis_that_hangs(prefix: str, between: Proxy, anna: User) -> None:
    """The first who ask wait less than a second, those after them not at all; the sweep finds out when it is back."""
    ears = Ears()
    async with open_redis(f"redis://127.0.0.1:{between.port}/0", ears.bells, prefix=prefix) as store:
        await store.watch([anna.id])
        assert await ears.next(anna) is False
        await store.apply([lease(anna)], [], [])
        assert await ears.next(anna) is True
        between.stall()
        async with asyncio.timeout(WITHIN_S):
            with pytest.raises(Unavailable):
                await store.read([anna])
        between.resume()  # It would answer, but nobody asks it.
        with pytest.raises(Unavailable):
            await store.read([anna])
        with pytest.raises(Unavailable):
            await store.say(anna, Custom(Status.BUSY), came_online=False)
        assert ears.lost == 0
        await store.sweep(1)
        assert ears.lost == 1
        assert len((await store.read([anna])).records[0].devices) == 1


async def test_who_is_watched_is_watched_again_after_an_outage(prefix: str, between: Proxy, anna: User) -> None:
    """And looked at, since nobody knows what was missed."""
    ears = Ears()
    async with open_redis(f"redis://127.0.0.1:{between.port}/0", ears.bells, prefix=prefix) as store:
        await store.watch([anna.id])
        assert await ears.next(anna) is False
        await between.hang_up()
        assert await ears.next(anna) is False
        async with open_shared(prefix) as there:
            await there.store.apply([lease(anna)], [], [])
            assert await ears.next(anna) is True


async def test_a_redis_that_is_not_there_keeps_nobody_from_starting() -> None:
    """Everything is unknown until it comes."""
    async with open_redis("redis://127.0.0.1:1/0", Ears().bells) as store:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await store.sweep(1)
        with pytest.raises(Unavailable):
            await store.read([User("acme", str(uuid4()))])


async def test_what_is_no_address_of_a_redis_is_refused() -> None:
    with pytest.raises(ValueError, match="scheme"):
        async with open_redis("http://127.0.0.1", Ears().bells):
            pass

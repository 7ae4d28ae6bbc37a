"""The keys as one of several processes knows them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.user.keys.domain import LEAD, KeySet, SigningKey
from services.user.keys.ring import REREAD, KeyRing, open_ring

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


class Store:
    def __init__(self) -> None:
        self.keys = [SigningKey.of(Ed25519PrivateKey.generate(), NOW)]
        self.reads = 0
        self.broken = False

    async def load(self, now: datetime) -> KeySet:
        self.reads += 1
        await asyncio.sleep(0)
        if self.broken:
            raise ConnectionError
        return KeySet(list(self.keys))

    async def rotate(self, now: datetime, lead: timedelta) -> SigningKey:
        self.keys.append(SigningKey.of(Ed25519PrivateKey.generate(), now, lead))
        return self.keys[-1]

    async def sweep(self, now: datetime, limit: int) -> int:
        raise AssertionError


class World:
    def __init__(self) -> None:
        self.now = NOW
        self.store = Store()

    async def ring(self) -> KeyRing:
        return await open_ring(self.store, lambda: self.now)


async def test_what_is_known_is_used_for_some_seconds() -> None:
    """Then it is read again, once for all who ask together."""
    world = World()
    ring = await world.ring()
    for _ in range(10):
        await ring.signer()
    assert world.store.reads == 1
    world.now += REREAD
    await asyncio.gather(*(ring.signer() for _ in range(10)))
    assert world.store.reads == 2
    world.now -= timedelta(days=1)  # A clock that was set back.
    await ring.signer()
    assert world.store.reads == 3


async def test_processes_agree_on_the_key_that_signs() -> None:
    """Also one that was idle when another one rotated: it never signs with the old key after its time."""
    world = World()
    here, there = await world.ring(), await world.ring()
    made, left = await here.rotate()
    assert left == LEAD
    assert [key.kid for key in await here.published()] == [key.kid for key in world.store.keys]
    for ring in (here, there):
        assert (await ring.signer()).kid == world.store.keys[0].kid
    world.now += LEAD
    for ring in (here, there):
        assert (await ring.signer()).kid == made.kid


async def test_a_process_that_cannot_read_signs_nothing() -> None:
    """A successor might be signing; but it tells of what it knows, so that tokens are verified."""
    world = World()
    ring = await world.ring()
    world.store.broken = True
    assert await ring.signer()
    world.now += REREAD
    with pytest.raises(ConnectionError):
        await ring.signer()
    assert [key.kid for key in await ring.published()] == [world.store.keys[0].kid]

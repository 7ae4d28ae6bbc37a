"""What every KeyStore does."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from mesh.audit.log import Trail
from mesh.database import Database
from mesh.sealing import Sealer
from services.user.keys.domain import RETIREMENT
from services.user.keys.store import KeyStore
from services.user.keys.store_sql import SqlKeyStore
from services.user.tables import signing_keys
from tests.contract.user.samples import NOW

LEAD = timedelta(seconds=60)
Open = Callable[[], KeyStore]


@pytest.fixture
def open_store(database: Database, trail: Trail) -> Open:
    return lambda: SqlKeyStore(database, Sealer(bytes(32), "signing keys"), trail, Ed25519PrivateKey.generate)


async def test_makes_a_key_once(open_store: Open) -> None:
    """Ten that start at the same time get the same one, which signs at once; so does a later one."""
    sets = await asyncio.gather(*(open_store().load(NOW) for _ in range(10)))
    later = await open_store().load(NOW + timedelta(days=1))
    assert {key.kid for keys in sets for key in keys.keys} == {later.signer(NOW).kid}
    assert later.keys[0].private.public_key() == sets[0].keys[0].private.public_key()


async def test_a_successor_signs_after_its_time(open_store: Open) -> None:
    """The one before goes when the last of its tokens has ended."""
    store = open_store()
    first = (await store.load(NOW)).signer(NOW)
    second = await store.rotate(NOW, LEAD)
    keys = await open_store().load(NOW)
    assert [key.kid for key in keys.keys] == [first.kid, second.kid]
    assert (second.signs_from, second.gone_at) == (NOW + LEAD, None)
    assert keys.keys[0].gone_at == NOW + LEAD + RETIREMENT


async def test_one_successor_waits_at_a_time(open_store: Open, database: Database, trail: Trail) -> None:
    """Of ten rotations at once each gets the same key, and it is noted once; the next begins when it signs."""
    await open_store().load(NOW)
    made = await asyncio.gather(*(open_store().rotate(NOW, LEAD) for _ in range(10)))
    assert len({key.kid for key in made}) == 1
    noted = await database.read(lambda connection: connection.execute(select(trail.log.c.action)).scalars().all())
    assert noted == ["keys.rotated"]
    third = await open_store().rotate(NOW + LEAD, LEAD)
    assert third.kid != made[0].kid
    keys = (await open_store().load(NOW)).keys
    assert [key.gone_at for key in keys] == [NOW + LEAD + RETIREMENT, NOW + 2 * LEAD + RETIREMENT, None]


async def test_a_key_that_is_gone_is_removed_whole(open_store: Open, database: Database) -> None:
    """Not before its time, and the one that signs never."""
    store = open_store()
    first = (await store.load(NOW)).signer(NOW)
    second = await store.rotate(NOW, LEAD)
    gone_at = NOW + LEAD + RETIREMENT
    assert await store.sweep(gone_at - timedelta(microseconds=1), 10) == 0
    assert await store.sweep(gone_at, 10) == 1
    assert await store.sweep(gone_at + timedelta(days=365), 10) == 0
    left = await database.read(lambda connection: connection.execute(select(signing_keys.c.kid)).scalars().all())
    assert left == [second.kid] != [first.kid]


async def test_the_private_half_is_sealed(open_store: Open, database: Database, trail: Trail) -> None:
    """Who reads the database signs nothing; nor does a process with another secret."""
    key = (await open_store().load(NOW)).signer(NOW)
    kept = await database.read(lambda connection: connection.execute(select(signing_keys.c.private)).scalar_one())
    assert key.private.private_bytes_raw() not in kept
    stranger = SqlKeyStore(database, Sealer(b"x" * 32, "signing keys"), trail, Ed25519PrivateKey.generate)
    with pytest.raises(ValueError, match="does not open"):
        await stranger.load(NOW)

"""What every ApiKeyStore does."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from mesh.audit.log import Trail
from mesh.database import Database
from mesh.errors import NotFound, WrongState
from mesh.page import Place
from services.user.accounts.domain import Role
from services.user.accounts.store import AccountStore
from services.user.api_keys.domain import KEPT, MAX_KEYS, USED_EVERY, ApiKey, new_key
from services.user.api_keys.store import ApiKeyStore, Bearer
from services.user.api_keys.store_sql import SqlApiKeyStore
from services.user.bots.domain import new_bot
from services.user.bots.store_sql import SqlBotStore
from services.user.revocations.store_sql import SqlRevocationStore
from services.user.sessions.writes_sql import end_sessions
from services.user.tables import users
from tests.contract.user.samples import NOW, account

ANNA, BEA, BOT = ("default", "id-of-anna"), ("default", "id-of-bea"), ("default", "id-of-bot")
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
async def keys(database: Database, accounts: AccountStore, trail: Trail) -> ApiKeyStore:
    for name in ("anna", "bea"):
        await accounts.add(account(name), "hash")
    bot = new_bot("id-of-bot", workspace_id="default", owner_id="id-of-anna", username="robot", full_name="", now=NOW)
    await SqlBotStore(database, trail).add(bot)
    return SqlApiKeyStore(database, trail)


def key(key_id: str = "k-1", user_id: str = "id-of-anna", *, by: str = "id-of-anna", days: int | None = None) -> ApiKey:
    return new_key(
        key_id,
        workspace_id="default",
        user_id=user_id,
        name="a key",
        scopes=["user:read", "message:write"],
        created_by=by,
        expires_at=None if days is None else NOW + timedelta(days=days),
        now=NOW,
    )


def digest(key_id: str) -> bytes:
    return key_id.encode().ljust(32, b".")


async def add(store: ApiKeyStore, added: ApiKey) -> None:
    await store.add(added, digest(added.id))


async def shut(database: Database, user_id: str) -> None:
    out = update(users).where(users.c.id == user_id).values(is_active=False)
    await database.write(lambda connection: connection.execute(out))


async def revoked(database: Database) -> list[str]:
    return [item.session_id for item in (await SqlRevocationStore(database).after(0, NOW, 1000)).items]


async def test_a_key_stands_for_its_user(keys: ApiKeyStore, database: Database) -> None:
    """With the rights that the user has now."""
    await add(keys, key())
    assert await keys.introspect(digest("k-1"), NOW) == Bearer(key(), Role.USER)
    assert await keys.introspect(digest("k-2"), NOW) is None
    await database.write(lambda connection: connection.execute(update(users).values(role="admin")))
    bearer = await keys.introspect(digest("k-1"), LATER)
    assert bearer is not None
    assert bearer.role == Role.ADMIN


async def test_a_use_is_noted_once_a_minute(keys: ApiKeyStore) -> None:
    """The list shows it."""
    await add(keys, key())

    async def last_use() -> object:
        return (await keys.page(*ANNA, NOW, None, 10)).items[0].last_used_at

    assert await last_use() is None
    await keys.introspect(digest("k-1"), NOW)
    await keys.introspect(digest("k-1"), NOW + USED_EVERY - timedelta(microseconds=1))
    assert await last_use() == NOW
    await keys.introspect(digest("k-1"), NOW + USED_EVERY)
    assert await last_use() == NOW + USED_EVERY


async def test_a_key_ends_at_its_time(keys: ApiKeyStore) -> None:
    """It is not listed then, and removed long after."""
    await add(keys, key(days=1))
    ends = NOW + timedelta(days=1)
    assert await keys.introspect(digest("k-1"), ends - timedelta(microseconds=1)) is not None
    assert await keys.introspect(digest("k-1"), ends) is None
    assert (await keys.page(*ANNA, ends, None, 10)).items == []
    assert await keys.sweep(ends + KEPT - timedelta(microseconds=1), 10) == 0
    assert await keys.sweep(ends + KEPT, 10) == 1


async def test_revoking_a_key_ends_it_everywhere(keys: ApiKeyStore, database: Database) -> None:
    """Once, however often it is done; to others there is no such key."""
    await add(keys, key())
    await add(keys, key("k-2"))
    for whose, key_id in ((BEA, "k-1"), (BOT, "k-1"), (("other", "id-of-anna"), "k-1"), (ANNA, "k-3")):
        with pytest.raises(NotFound, match="API_KEY_NOT_FOUND"):
            await keys.revoke(*whose, key_id, LATER)
    for _ in range(2):
        await keys.revoke(*ANNA, "k-1", LATER)
    assert await keys.introspect(digest("k-1"), LATER) is None
    assert [one.id for one in (await keys.page(*ANNA, LATER, None, 10)).items] == ["k-2"]
    assert await revoked(database) == ["k-1"]
    assert await keys.sweep(LATER + KEPT, 10) == 1


async def test_keys_are_listed_newest_first(keys: ApiKeyStore) -> None:
    """By pages; each user has a list."""
    for n in range(5):
        await add(keys, key(f"k-{n}"))
    await add(keys, key("b-1", "id-of-bot"))
    page = await keys.page(*ANNA, NOW, Place(("k-4",), back=False), 2)
    assert ([one.id for one in page.items], page.has_prev, page.has_next) == (["k-3", "k-2"], True, True)
    assert [one.id for one in (await keys.page(*BOT, NOW, None, 10)).items] == ["b-1"]


async def test_keys_are_made_for_oneself_and_ones_bots(keys: ApiKeyStore, database: Database) -> None:
    """Not for others, nor by or for who is shut out."""
    await add(keys, key("k-1", "id-of-bot"))
    refused = [
        key("k-2", "id-of-bea"),
        key("k-3", "id-of-bot", by="id-of-bea"),
        key("k-4", "nobody"),
        replace(key("k-5"), workspace_id="other"),
    ]
    for one in refused:
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            await add(keys, one)
    await shut(database, "id-of-anna")
    for one in (key("k-6"), key("k-7", "id-of-bot")):
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            await add(keys, one)


async def test_a_user_has_so_many_keys_at_most(keys: ApiKeyStore) -> None:
    """Good ones; also when they are made at the same time."""
    results = await asyncio.gather(*(add(keys, key(f"k-{n}")) for n in range(MAX_KEYS + 3)), return_exceptions=True)
    refused = [error for error in results if isinstance(error, WrongState)]
    assert [error.reason for error in refused] == ["QUOTA_REACHED"] * 3
    good = (await keys.page(*ANNA, NOW, None, 1)).items
    await keys.revoke(*ANNA, good[0].id, NOW)
    await add(keys, key("one-more"))


@pytest.mark.parametrize("user_id", ["id-of-bot", "id-of-anna"])
async def test_a_key_is_of_no_use_while_its_user_or_owner_is_shut_out(
    keys: ApiKeyStore, database: Database, user_id: str
) -> None:
    """Even where nobody has revoked it."""
    await add(keys, key("k-1", "id-of-bot"))
    assert await keys.introspect(digest("k-1"), NOW) is not None
    await shut(database, user_id)
    assert await keys.introspect(digest("k-1"), NOW) is None


async def test_who_is_shut_out_loses_all_keys(keys: ApiKeyStore, database: Database) -> None:
    """Also those of their bots, and only those: each is revoked once."""
    await add(keys, key("k-1"))
    await add(keys, key("k-2", "id-of-bot"))
    await add(keys, key("k-3", "id-of-bea", by="id-of-bea"))
    await keys.revoke(*ANNA, "k-1", NOW)
    await add(keys, key("k-4"))

    def end(include_keys: bool) -> object:
        return database.write(lambda connection: end_sessions(connection, *ANNA, LATER, include_keys=include_keys))

    assert await end(False) == []  # type: ignore[misc]
    assert sorted(await end(True)) == ["k-2", "k-4"]  # type: ignore[misc]
    assert sorted(await revoked(database)) == ["k-1", "k-2", "k-4"]
    assert [await keys.introspect(digest(f"k-{n}"), LATER) is not None for n in range(1, 5)] == [
        False,
        False,
        True,
        False,
    ]

"""What every BotStore does."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import update

from mesh.audit.log import Trail
from mesh.database import Database
from mesh.errors import Conflict, NotFound, WrongState
from mesh.page import Place
from services.user.accounts.domain import Account, Kind
from services.user.accounts.store import AccountStore
from services.user.bots.domain import MAX_BOTS, new_bot
from services.user.bots.store import BotStore
from services.user.bots.store_sql import SqlBotStore
from services.user.outbox_sql import SqlOutbox
from services.user.tables import users
from tests.contract.user.samples import NOW, account


@pytest.fixture
async def bots(database: Database, accounts: AccountStore, trail: Trail) -> BotStore:
    for name in ("anna", "bea"):
        await accounts.add(account(name), "hash")
    return SqlBotStore(database, trail)


def bot(name: str = "robot", owner: str = "anna") -> Account:
    return new_bot(
        f"id-of-{name}", workspace_id="default", owner_id=f"id-of-{owner}", username=name, full_name="", now=NOW
    )


async def test_a_bot_is_an_account_with_an_owner(bots: BotStore, accounts: AccountStore, outbox: SqlOutbox) -> None:
    """Everybody finds it, and hears of it as of any other; several have no mail address."""
    await bots.add(bot())
    await bots.add(bot("other"))
    assert (await accounts.find("default", ["id-of-robot"]))["id-of-robot"] == bot()
    assert (bot().kind, bot().owner_id, bot().email) == (Kind.BOT, "id-of-anna", "")
    assert [row.type for row in await outbox.unpublished(10)] == ["user.registered"] * 4


async def test_a_name_is_taken_by_people_and_bots_alike(bots: BotStore) -> None:
    """Of several at once one gets it."""
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await bots.add(bot("anna"))
    results = await asyncio.gather(*(bots.add(same(f"id-{n}")) for n in range(5)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [Conflict] * 4


def same(account_id: str) -> Account:
    """Another bot with the name of `bot()`."""
    return replace(bot(), id=account_id)


async def test_a_person_has_so_many_bots_at_most(bots: BotStore) -> None:
    """Also when they are made at the same time; those that are erased do not count, nor those of others."""
    made = (bots.add(bot(f"robot{n:02}")) for n in range(MAX_BOTS + 2))
    results = await asyncio.gather(*made, return_exceptions=True)
    refused = [error for error in results if isinstance(error, WrongState)]
    assert [error.reason for error in refused] == ["QUOTA_REACHED"] * 2
    await bots.add(bot("other", "bea"))
    kept = (await bots.page("default", "id-of-anna", None, 1)).items
    await bots.erase("default", kept[0].id, NOW)
    await bots.add(bot("once-more"))


async def test_bots_are_listed_by_owner(bots: BotStore) -> None:
    """Newest first, without those that are gone."""
    for name in ("r-1", "r-2", "r-3"):
        await bots.add(bot(name))
    await bots.add(bot("other", "bea"))
    await bots.erase("default", "id-of-r-2", NOW)
    found = await bots.page("default", "id-of-anna", None, 10)
    assert [one.username for one in found.items] == ["r-3", "r-1"]
    page = await bots.page("default", "id-of-anna", Place(("id-of-r-3",), back=False), 1)
    assert ([one.username for one in page.items], page.has_prev, page.has_next) == (["r-1"], True, False)


async def test_a_bot_is_forgotten_for_good(bots: BotStore, accounts: AccountStore) -> None:
    """Its name is free again; doing it twice is as good; people are not forgotten this way."""
    await bots.add(bot())
    for _ in range(2):
        await bots.erase("default", "id-of-robot", NOW)
    assert not (await accounts.find("default", ["id-of-robot"]))["id-of-robot"].is_active
    await bots.add(same("id-of-new"))
    for workspace_id, user_id in (("default", "id-of-anna"), ("default", "nobody"), ("other", "id-of-new")):
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            await bots.erase(workspace_id, user_id, NOW)


async def test_who_is_shut_out_makes_no_bot(bots: BotStore, database: Database) -> None:
    """However long the token is still good."""
    await database.write(lambda connection: connection.execute(update(users).values(is_active=False)))
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await bots.add(bot())

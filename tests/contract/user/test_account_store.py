"""What every AccountStore does."""

import asyncio
from dataclasses import replace

import pytest

from mesh.database import Database
from mesh.errors import Conflict, NotFound, Stale, WrongState
from mesh.page import Place
from services.user.accounts.domain import Account, Credentials, Role
from services.user.accounts.store import AccountStore
from tests.contract.message.plans import asked, plan
from tests.contract.user.samples import NOW, account


async def test_an_account_comes_back_as_it_was(accounts: AccountStore) -> None:
    """Every field, the times to the microsecond."""
    anna = replace(account(), role=Role.ADMIN, bio="hello", avatar="a.png", is_verified=True, last_login=NOW)
    await accounts.add(anna, "hash")
    assert await accounts.find("default", [anna.id]) == {anna.id: anna}


async def test_finds_those_that_exist(accounts: AccountStore) -> None:
    """Unknown ids are left out, repeated ones do not matter, and nobody is found among none."""
    anna, bea = account("anna"), account("bea")
    await accounts.add(anna, "hash")
    await accounts.add(bea, "hash")
    assert await accounts.find("default", [bea.id, "unknown", anna.id, bea.id]) == {anna.id: anna, bea.id: bea}
    assert await accounts.find("default", []) == {}


async def test_a_few_are_found_without_reading_a_whole_workspace(database: Database, accounts: AccountStore) -> None:
    """However many are asked for: sockets that come back do so by the dozen."""
    with asked(database) as queries:
        await accounts.find("default", [str(number) for number in range(30)])
    (found,) = (plan(database, query) for query in queries)
    assert "(id=?)" in found or "pk_users" in found, found


@pytest.mark.parametrize("login", ["anna", "ANNA", "anna@example.com", "Anna@Example.com"])
async def test_finds_credentials_by_name_or_address_in_any_case(accounts: AccountStore, login: str) -> None:
    """Either is good to log in with."""
    anna = account(email="ANNA@example.com")
    await accounts.add(anna, "hash")
    assert await accounts.credentials("default", login) == Credentials(anna, "hash")


@pytest.mark.parametrize("login", ["bea", "bea@example.com", "", "@", "anna' OR '1'='1", "an%"])
async def test_nobody_has_the_credentials_of_an_unknown_name(accounts: AccountStore, login: str) -> None:
    """None, whatever the name looks like."""
    await accounts.add(account(), "hash")
    assert await accounts.credentials("default", login) is None


async def test_a_taken_name_or_address_is_refused_and_leaves_nothing(accounts: AccountStore) -> None:
    """The reason says which; the name counts first; the loser's other name stays free."""
    await accounts.add(account("anna"), "hash")
    same_name = account("anna", account_id="2", email="new@example.com")
    same_address = account("new", account_id="3", email="ANNA@EXAMPLE.COM")
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await accounts.add(same_name, "hash")
    with pytest.raises(Conflict, match="EMAIL_TAKEN"):
        await accounts.add(same_address, "hash")
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await accounts.add(account("anna", account_id="4"), "hash")
    await accounts.add(account("new", account_id="5", email="new@example.com"), "hash")


async def test_of_many_at_the_same_time_one_gets_the_name(accounts: AccountStore) -> None:
    """Twenty race for one name; the winner is the one that is kept."""
    rivals = [account("anna", account_id=str(n), email=f"{n}@example.com") for n in range(20)]
    results = await asyncio.gather(*(accounts.add(rival, "hash") for rival in rivals), return_exceptions=True)
    winners = [rival for rival, result in zip(rivals, results, strict=True) if result is None]
    refusals = [result.reason for result in results if isinstance(result, Conflict)]
    assert refusals == ["USERNAME_TAKEN"] * 19
    assert await accounts.find("default", [rival.id for rival in rivals]) == {winners[0].id: winners[0]}


async def test_a_clash_of_ids_is_not_taken_for_a_clash_of_names(accounts: AccountStore) -> None:
    """A fault of ours is not told as a fault of the caller."""
    await accounts.add(account("anna", account_id="1"), "hash")
    with pytest.raises(Exception, match=r"(?i)unique") as failure:
        await accounts.add(account("bea", account_id="1"), "hash")
    assert not isinstance(failure.value, Conflict)


async def test_replaces_a_password_hash_only_if_it_is_still_the_old_one(accounts: AccountStore) -> None:
    """A slow renewal must not undo a new password."""
    anna, bea = account("anna"), account("bea")
    await accounts.add(anna, "old")
    await accounts.add(bea, "old")
    await accounts.replace_password_hash(anna.id, "old", "new")
    await accounts.replace_password_hash(anna.id, "old", "late")
    assert await accounts.credentials("default", "anna") == Credentials(anna, "new")
    assert await accounts.credentials("default", "bea") == Credentials(bea, "old")


async def test_finds_credentials_by_id(accounts: AccountStore) -> None:
    """In the workspace only."""
    anna = account()
    await accounts.add(anna, "hash")
    assert await accounts.credentials_of("default", anna.id) == Credentials(anna, "hash")
    assert await accounts.credentials_of("acme", anna.id) is None


async def test_an_account_joins_a_workspace_that_is_there(accounts: AccountStore) -> None:
    """No other."""
    with pytest.raises(NotFound, match="WORKSPACE_NOT_FOUND"):
        await accounts.add(replace(account(), workspace_id="acme"), "hash")


async def test_accounts_come_by_username_from_a_place(accounts: AccountStore) -> None:
    """Those that are active, with what lies before and after them told."""
    for name in ("cora", "anna", "bea"):
        await accounts.add(account(name), "hash")
    await accounts.add(replace(account("dan"), is_active=False), "hash")
    found = await accounts.page("default", "", Place(("anna",), back=False), 1)
    assert ([one.username for one in found.items], found.has_prev, found.has_next) == (["bea"], True, True)
    back = await accounts.page("default", "", Place(("cora",), back=True), 5)
    assert ([one.username for one in back.items], back.has_prev, back.has_next) == (["anna", "bea"], False, True)
    assert (await accounts.page("acme", "", None, 5)).items == []


async def test_an_edit_sees_what_the_one_before_has_left(accounts: AccountStore) -> None:
    """Twenty at the same time: none is lost, and each raises the version."""
    anna = account()
    await accounts.add(anna, "hash")

    def longer(before: Account) -> Account:
        return replace(before, bio=before.bio + "x")

    await asyncio.gather(*(accounts.edit("default", anna.id, longer, now=NOW) for _ in range(20)))
    found = (await accounts.find("default", [anna.id]))[anna.id]
    assert (found.bio, found.version) == ("x" * 20, 21)


async def test_an_edit_is_refused_whole(accounts: AccountStore) -> None:
    """Who is not there, has changed since, or wants another's name."""
    anna = account("anna")
    await accounts.add(anna, "hash")
    await accounts.add(account("bea"), "hash")

    def renamed(before: Account) -> Account:
        return replace(before, username="bea", bio="new")

    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await accounts.edit("acme", anna.id, renamed, now=NOW)
    with pytest.raises(Stale, match="ETAG_MISMATCH"):
        await accounts.edit("default", anna.id, renamed, now=NOW, etag="another")
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await accounts.edit("default", anna.id, renamed, now=NOW, etag=anna.etag)
    assert await accounts.find("default", [anna.id]) == {anna.id: anna}


async def test_of_two_admins_who_leave_at_once_one_stays(accounts: AccountStore) -> None:
    """A workspace keeps an admin."""
    admins = [replace(account(name), role=Role.ADMIN) for name in ("anna", "bea")]
    for admin in admins:
        await accounts.add(admin, "hash")
    results = await asyncio.gather(
        *(accounts.erase("default", admin.id, by=admin.id, now=NOW) for admin in admins), return_exceptions=True
    )
    assert [result.reason for result in results if isinstance(result, WrongState)] == ["LAST_ADMIN"]
    assert results.count(None) == 1

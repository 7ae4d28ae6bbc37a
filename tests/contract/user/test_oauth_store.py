"""What every OAuthStore does."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, update

from mesh.audit.log import Trail
from mesh.database import Database
from mesh.errors import Conflict, NotFound, Unauthenticated
from mesh.sealing import Sealer
from services.user.accounts.domain import Account
from services.user.accounts.store import AccountStore
from services.user.oauth.domain import HANDOVER_LIFETIME, STATE_LIFETIME, Attempt, Handover, Who, account_of
from services.user.oauth.store import OAuthStore
from services.user.oauth.store_sql import MAX_TRIES, SqlOAuthStore
from services.user.tables import audit, oauth_states, user_changes, users
from tests.contract.user.samples import NOW, account

LATER = NOW + timedelta(seconds=1)
ATTEMPT = Attempt("default", "corp", "/demo", "state", "binding", "nonce", "verifier")
HANDOVER = Handover("default", "corp", "id-of-anna")
ANNA = Who("https://id.example.com", "s-1", "anna@example.com", is_verified=True, name="Anna", username="anna")
IDS = count(1)


@pytest.fixture
def oauth(database: Database, trail: Trail) -> OAuthStore:
    return SqlOAuthStore(database, trail, Sealer(bytes(32), "oauth"))


Find = Callable[..., Any]


@pytest.fixture
def find(oauth: OAuthStore) -> Find:
    """Finds the account of somebody."""

    async def account_for(who: Who, *names: str, workspace_id: str = "default") -> Account:
        account_id, tried = f"new-{next(IDS)}", names or ("anna", "anna-1", "anna-2")

        def new(username: str, email: str) -> Account:
            return account_of(who, account_id, workspace_id=workspace_id, username=username, email=email, now=LATER)

        return await oauth.account_for(who, workspace_id, "corp", tried, new, LATER)

    return account_for


async def told(database: Database) -> Sequence[tuple[str, str]]:
    """Actions of the audit log, and whom they are about."""
    query = select(audit.c.action, audit.c.subject_id).order_by(audit.c.seq)
    return [tuple(row) for row in await database.read(lambda connection: connection.execute(query).all())]


async def test_an_attempt_is_taken_once(oauth: OAuthStore) -> None:
    """By one of ten at the same time."""
    await oauth.keep_attempt(ATTEMPT, NOW + STATE_LIFETIME)
    taken = await asyncio.gather(*(oauth.take_attempt("corp", "state", "binding", LATER) for _ in range(10)))
    assert [found for found in taken if found is not None] == [ATTEMPT]


async def test_who_lacks_a_part_finds_nothing_and_spoils_nothing(oauth: OAuthStore) -> None:
    """Neither the state nor the binding is of use alone; nor is one as a handover."""
    await oauth.keep_attempt(ATTEMPT, NOW + STATE_LIFETIME)
    for state, binding in (
        ("state", ""),
        ("state", "other"),
        ("other", "binding"),
        ("", "binding"),
        ("binding", "state"),
    ):
        assert await oauth.take_attempt("corp", state, binding, LATER) is None
    assert await oauth.take_handover("state", LATER) is None
    assert await oauth.take_attempt("corp", "state", "binding", LATER) == ATTEMPT


async def test_an_attempt_at_another_provider_is_over(oauth: OAuthStore) -> None:
    """Somebody mixes them up."""
    await oauth.keep_attempt(ATTEMPT, NOW + STATE_LIFETIME)
    assert await oauth.take_attempt("other", "state", "binding", LATER) is None
    assert await oauth.take_attempt("corp", "state", "binding", LATER) is None


async def test_a_handover_is_taken_once_and_soon(oauth: OAuthStore) -> None:
    """Who comes too late gets nothing."""
    await oauth.keep_handover("a", HANDOVER, NOW + HANDOVER_LIFETIME)
    await oauth.keep_handover("b", HANDOVER, NOW + HANDOVER_LIFETIME)
    assert await oauth.take_handover("a", LATER) == HANDOVER
    assert await oauth.take_handover("a", LATER) is None
    assert await oauth.take_handover("b", NOW + HANDOVER_LIFETIME) is None


async def test_the_database_tells_nothing_of_what_is_under_way(oauth: OAuthStore, database: Database) -> None:
    """Neither the secrets nor who it is."""
    await oauth.keep_attempt(ATTEMPT, NOW + STATE_LIFETIME)
    await oauth.keep_handover("handover", HANDOVER, NOW + HANDOVER_LIFETIME)
    rows = await database.read(lambda connection: connection.execute(select(oauth_states)).all())
    shown = repr(rows)
    assert len(rows) == 2
    assert not [secret for secret in ("state", "binding", "nonce", "verifier", "handover", "anna") if secret in shown]


async def test_what_is_over_is_swept(oauth: OAuthStore) -> None:
    """A few at a time; what is not stays."""
    for secret in "abc":
        await oauth.keep_handover(secret, HANDOVER, NOW + HANDOVER_LIFETIME)
    assert await oauth.sweep(NOW + HANDOVER_LIFETIME - timedelta(microseconds=1), 10) == 0
    assert [await oauth.sweep(NOW + HANDOVER_LIFETIME, 2) for _ in range(3)] == [2, 1, 0]


async def test_who_comes_for_the_first_time_gets_an_account(find: Find, database: Database) -> None:
    """Which is told as every new one, noted, and found again whatever the provider says of it then."""
    made = await find(ANNA)
    assert (made.username, made.email, made.is_verified, made.full_name) == ("anna", "anna@example.com", True, "Anna")
    assert await find(replace(ANNA, email="", is_verified=False, username="other")) == made
    assert await told(database) == [("user.registered", made.id)]
    query = select(user_changes.c.type).where(user_changes.c.user_id == made.id)
    assert (await database.read(lambda connection: connection.execute(query).scalars().all())) == ["user.registered"]


async def test_issuer_and_subject_name_somebody_together(find: Find) -> None:
    """The same subject of another issuer is somebody else."""
    first = await find(ANNA)
    for other in (replace(ANNA, issuer="https://other.example.com"), replace(ANNA, subject="s-2")):
        assert (await find(replace(other, is_verified=False))).id != first.id


async def test_who_is_proven_on_both_sides_is_linked(find: Find, accounts: AccountStore, database: Database) -> None:
    """And found again without the address."""
    mine = replace(account("anna", email="Anna@Example.com"), is_verified=True)
    await accounts.add(mine, "hash")
    assert (await find(ANNA)).id == mine.id
    assert (await find(replace(ANNA, email="new@example.com"))).id == mine.id
    assert ("identity.linked", mine.id) in await told(database)


@pytest.mark.parametrize(("ours", "theirs"), [(False, True), (True, False), (False, False)])
async def test_without_proof_on_both_sides_there_are_two(
    find: Find, accounts: AccountStore, ours: bool, theirs: bool
) -> None:
    """The new one goes without an address and with a name of its own."""
    mine = replace(account("anna"), is_verified=ours)
    await accounts.add(mine, "hash")
    made = await find(replace(ANNA, is_verified=theirs))
    assert (made.id == mine.id, made.username, made.email, made.is_verified) == (False, "anna-1", "", False)


async def test_who_is_suspended_stays_out(find: Find, accounts: AccountStore, database: Database) -> None:
    """Linked before or not; no new account is made beside it."""
    await accounts.add(replace(account("anna"), is_verified=True), "hash")
    await database.write(lambda connection: connection.execute(update(users).values(is_active=False)))
    with pytest.raises(Unauthenticated, match="PROVIDER_REFUSED"):
        await find(ANNA)
    await database.write(lambda connection: connection.execute(update(users).values(is_active=True)))
    await find(ANNA)
    await database.write(lambda connection: connection.execute(update(users).values(is_active=False)))
    with pytest.raises(Unauthenticated, match="PROVIDER_REFUSED"):
        await find(ANNA)
    assert len(await database.read(lambda connection: connection.execute(select(users.c.id)).all())) == 1


async def test_one_who_comes_twice_at_once_gets_one_account(find: Find, database: Database) -> None:
    """Whoever is first."""
    found = await asyncio.gather(*(find(ANNA) for _ in range(8)))
    assert len({one.id for one in found}) == 1
    assert [action for action, _ in await told(database)] == ["user.registered"]


async def test_names_that_are_taken_are_passed_over(find: Find, accounts: AccountStore) -> None:
    """Up to a bound."""
    for name in ("anna", "anna-1"):
        await accounts.add(account(name, email=f"{name}@other.example.com"), "hash")
    assert (await find(ANNA)).username == "anna-2"
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await find(replace(ANNA, subject="s-2", email=""), *["anna"] * (MAX_TRIES + 1))


async def test_workspaces_do_not_know_of_each_other(find: Find) -> None:
    """One that does not exist has nobody."""
    await find(ANNA)
    with pytest.raises(NotFound, match="WORKSPACE_NOT_FOUND"):
        await find(ANNA, workspace_id="nowhere")

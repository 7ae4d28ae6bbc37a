"""What every RevocationStore does, and how entries get there."""

import asyncio
from datetime import timedelta

import pytest

from mesh.database import Database
from services.user.accounts.store import AccountStore
from services.user.revocations.domain import REMEMBERED, Frame, Revocation
from services.user.revocations.store import RevocationStore
from services.user.revocations.store_sql import SqlRevocationStore
from services.user.revocations.writes_sql import revoke
from services.user.sessions.store import SessionStore
from services.user.sessions.writes_sql import end_sessions
from tests.contract.user.samples import NOW, account, session

ENDS = NOW + REMEMBERED


@pytest.fixture
def store(database: Database) -> RevocationStore:
    return SqlRevocationStore(database)


async def add(database: Database, *ids: str) -> None:
    await database.write(lambda connection: revoke(connection, ids, NOW))


async def test_entries_come_in_their_order(store: RevocationStore, database: Database) -> None:
    """From any position on, as many as are asked for, with the position to go on from."""
    assert await store.after(0, NOW, 10) == Frame([], 0)
    await add(database, "a", "b")
    await add(database)
    await add(database, "c")
    assert await store.position() == 3
    assert await store.after(0, NOW, 2) == Frame([Revocation("a", ENDS), Revocation("b", ENDS)], 2)
    assert await store.after(2, NOW, 2) == Frame([Revocation("c", ENDS)], 3)
    assert await store.after(3, NOW, 2) == Frame([], 3)


async def test_what_is_over_is_not_told_and_swept(store: RevocationStore, database: Database) -> None:
    """The position tells of it all the same."""
    await add(database, "a", "b", "c")
    assert await store.after(0, ENDS - timedelta(microseconds=1), 10) != Frame([], 3)
    assert await store.after(0, ENDS, 10) == Frame([], 3)
    assert await store.sweep(ENDS - timedelta(microseconds=1), 10) == 0
    assert [await store.sweep(ENDS, 2) for _ in range(3)] == [2, 1, 0]
    await add(database, "d")
    assert await store.position() == 4


async def test_a_position_of_another_log_begins_anew(store: RevocationStore, database: Database) -> None:
    """As after the database was restored: better all once more than one missed."""
    await add(database, "a")
    assert await store.after(7, NOW, 10) == Frame([Revocation("a", ENDS)], 1)


async def test_who_reads_while_others_write_misses_nothing(store: RevocationStore, database: Database) -> None:
    """Positions appear in the order of commits: forty transactions at once, read all the time."""
    writes = asyncio.gather(*(add(database, f"{n}-a", f"{n}-b") for n in range(40)))
    seen: list[str] = []
    position = 0
    while not writes.done() or position < 80:
        frame = await store.after(position, NOW, 7)
        seen += [item.session_id for item in frame.items]
        position = frame.position
    await writes
    assert len(seen) == 80
    assert set(seen) == {f"{n}-{part}" for n in range(40) for part in "ab"}


async def test_all_sessions_of_a_user_end_but_the_one_that_is_kept(
    store: RevocationStore, database: Database, accounts: AccountStore, sessions: SessionStore
) -> None:
    """Those of others go on, and what has ended before is not told again."""
    for name in ("anna", "bea"):
        await accounts.add(account(name), "hash")
        for n in range(4):
            await sessions.add(session(f"{name}-{n}", f"id-of-{name}")[0])
    await sessions.log_out("default", "id-of-anna", "anna-0", NOW)
    ended = await database.write(
        lambda connection: end_sessions(connection, "default", "id-of-anna", NOW, keep="anna-1")
    )
    assert sorted(ended) == ["anna-2", "anna-3"]
    assert {item.session_id for item in (await store.after(0, NOW, 10)).items} == {"anna-0", "anna-2", "anna-3"}
    assert [one.id for one in (await sessions.page("default", "id-of-anna", NOW, None, 10)).items] == ["anna-1"]
    assert len((await sessions.page("default", "id-of-bea", NOW, None, 10)).items) == 4


async def test_a_transaction_that_fails_ends_nothing(store: RevocationStore, database: Database) -> None:
    """Nor leaves a gap."""

    def fail(connection: object) -> None:
        revoke(connection, ["a"], NOW)  # type: ignore[arg-type]
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(fail)
    assert await store.position() == 0
    await add(database, "b")
    assert await store.after(0, NOW, 10) == Frame([Revocation("b", ENDS)], 1)

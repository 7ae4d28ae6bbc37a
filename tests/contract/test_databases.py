"""What only a real PostgreSQL shows: schemas side by side, bounds on all waiting, conflicts, outages and replicas."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Connection, literal, make_url, select, text

from mesh.database import Database, open_database
from mesh.errors import Unavailable
from mesh.sql import stalls
from mesh.sql.engines import open_engine
from mesh.sql.prepared import Prepared
from tests.contract.databases import POSTGRES, empty_database, empty_url
from tests.contract.proxy import Proxy, proxy

pytestmark = pytest.mark.skipif(not POSTGRES, reason="CHAT_TEST_POSTGRES_URL is not set")
USER, MESSAGE = (Path(__file__).parents[2] / "services" / name / "migrations" for name in ("user", "message"))
HERE = text("SELECT current_schema()")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database("postgresql", tmp_path, USER) as database:
        yield database


@asynccontextmanager
async def behind_proxy(folder: Path) -> AsyncIterator[tuple[Database, Proxy]]:
    """A database that is reached through a network which can be broken."""
    there = make_url(POSTGRES)
    async with empty_url("postgresql", folder) as url, proxy(there.host or "", there.port or 5432) as between:
        detour = text_of(make_url(url).set(host="127.0.0.1", port=between.port))
        async with open_database(detour, USER) as database:
            yield database, between


def schema_of(url: str) -> str:
    return str(make_url(url).query["options"]).removeprefix("-csearch_path=")


def text_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)


async def test_services_may_share_a_database() -> None:
    """Each keeps its tables and its history in a schema of its own, also when both have a table of one name."""
    count = text("SELECT count(*) FROM user_changes")
    async with open_database(POSTGRES, USER) as users, open_database(POSTGRES, MESSAGE) as messages:
        for database, schema in ((users, "chat_user"), (messages, "chat_message")):
            assert await database.read(lambda c: c.execute(HERE).scalar()) == schema
            assert await database.read(lambda c: c.execute(count).scalar()) is not None
            assert await database.read(lambda c: c.execute(text("SELECT version_num FROM alembic_version")).scalar())
    async with open_database(POSTGRES, USER):
        pass


async def test_the_server_bounds_what_a_unit_of_work_may_wait_for(database: Database) -> None:
    """Statements, locks, and transactions that idle."""
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    shown = await database.read(lambda c: [c.execute(text(f"SHOW {name}")).scalar() for name in names])
    assert shown == ["5s", "3s", "10s"]


async def test_a_statement_that_takes_too_long_is_an_outage(database: Database) -> None:
    """The caller is told to try again, and the connection is good for others."""

    def work(connection: Connection) -> None:
        connection.execute(text("SET LOCAL statement_timeout = '20ms'"))
        connection.execute(text("SELECT pg_sleep(9)"))

    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await database.read(work)
    assert await database.read(lambda c: c.execute(text("SELECT 1")).scalar()) == 1


async def test_a_lock_that_is_not_to_be_had_is_an_outage(database: Database) -> None:
    """Whoever holds it is not waited for any longer than a moment."""
    held, enough = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    lock = text("SELECT * FROM revocation_head FOR UPDATE")

    def hold(connection: Connection) -> None:
        connection.execute(lock)
        loop.call_soon_threadsafe(held.set)
        asyncio.run_coroutine_threadsafe(enough.wait(), loop).result(5)

    def want(connection: Connection) -> None:
        connection.execute(text("SET LOCAL lock_timeout = '20ms'"))
        connection.execute(lock)

    holding = asyncio.create_task(database.write(hold))
    await held.wait()
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await database.write(want)
    enough.set()
    await holding


async def test_a_deadlock_is_seen_by_nobody(database: Database) -> None:
    """One of the two is rolled back, and done again when the other is through."""
    await database.write(lambda c: c.execute(text("INSERT INTO workspaces VALUES ('a', '', 0), ('b', '', 0)")))
    raise_ = text("UPDATE workspaces SET created_at = created_at + 1 WHERE id = :id")
    barrier = asyncio.Barrier(2)
    loop = asyncio.get_running_loop()
    tries = 0

    def both(first: str, second: str) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            nonlocal tries
            tries += 1
            connection.execute(raise_, {"id": first})
            if tries <= 2:
                asyncio.run_coroutine_threadsafe(barrier.wait(), loop).result(5)
            connection.execute(raise_, {"id": second})

        return work

    await asyncio.gather(database.write(both("a", "b")), database.write(both("b", "a")))
    raised = text("SELECT created_at FROM workspaces WHERE id IN ('a', 'b')")
    assert await database.read(lambda c: c.execute(raised).scalars().all()) == [2, 2]
    assert tries == 3


async def test_connections_that_ended_are_replaced(tmp_path: Path) -> None:
    """A server that was started anew is noticed by nobody."""
    one = Prepared(select(literal(1).label("one")))
    async with behind_proxy(tmp_path) as (database, between):
        for _ in range(2):
            assert await database.read(lambda c: c.execute(text("SELECT 1")).scalar()) == 1
            await between.hang_up()
            assert [row.one for row in await database.read(lambda c: one.rows(c, {}))] == [1]
            await between.hang_up()


async def test_what_may_be_committed_is_not_done_again(database: Database) -> None:
    """When the connection ends with the transaction, nobody knows: the caller hears so."""
    tries = 0

    def work(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        connection.execute(text("INSERT INTO workspaces VALUES ('a', '', 0)"))
        driver: Any = connection.connection.driver_connection
        driver.close()

    with pytest.raises(Unavailable):
        await database.write(work)
    assert tries == 1


async def test_a_server_that_goes_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a statement, and before one; its threads are free again, and go on when it is back."""
    monkeypatch.setattr(stalls, "STALLED_S", 0.2)
    monkeypatch.setattr(stalls, "LOOK_S", 0.05)
    async with behind_proxy(tmp_path) as (database, between):
        await database.read(lambda c: c.execute(text("SELECT 1")).scalar())
        loop = asyncio.get_running_loop()

        def work(connection: Connection) -> None:
            loop.call_soon_threadsafe(between.stall)
            connection.execute(text("SELECT pg_sleep(0.05)"))
            connection.execute(text("SELECT 1"))

        with pytest.raises(Unavailable, match="UNAVAILABLE"):
            await database.read(work)
        between.resume()
        assert await database.read(lambda c: c.execute(text("SELECT 1")).scalar()) == 1
        between.stall()
        with pytest.raises(Unavailable, match="UNAVAILABLE"):
            await database.read(lambda c: c.execute(text("SELECT 1")).scalar())
        between.resume()
        assert await database.read(lambda c: c.execute(text("SELECT 1")).scalar()) == 1


class BlackHole:
    """A server that takes connections and never says a word."""

    def __init__(self) -> None:
        self.taken: list[asyncio.StreamWriter] = []
        self.url = ""

    def take(self, _reader: object, writer: asyncio.StreamWriter) -> None:
        self.taken.append(writer)


@pytest.fixture
async def black_hole() -> AsyncIterator[BlackHole]:
    hole = BlackHole()
    async with await asyncio.start_server(hole.take, "127.0.0.1", 0) as server:
        url = make_url(POSTGRES).set(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        hole.url = text_of(url.update_query_dict({"options": "-csearch_path=x", "connect_timeout": "2"}))
        yield hole
        for writer in hole.taken:
            writer.close()


async def test_a_server_that_never_answers_is_given_up(black_hole: BlackHole) -> None:
    """After the time to connect."""
    nowhere = Database(open_engine(black_hole.url, ""))
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await nowhere.read(lambda _: None)
    nowhere.close()


async def test_stale_reads_go_to_the_replica(tmp_path: Path) -> None:
    """Others, and writes, never do."""
    async with (
        empty_url("postgresql", tmp_path) as url,
        empty_url("postgresql", tmp_path) as copy,
        open_database(url, USER, copy) as database,
    ):
        assert [schema_of(copy), schema_of(url), schema_of(url)] == [
            await database.read(lambda c: c.execute(HERE).scalar(), stale=True),
            await database.read(lambda c: c.execute(HERE).scalar()),
            await database.write(lambda c: c.execute(HERE).scalar()),
        ]


async def test_a_replica_that_is_away_is_not_missed(tmp_path: Path, black_hole: BlackHole) -> None:
    """Its reads go to the database itself, and it is left alone for a while."""
    async with empty_url("postgresql", tmp_path) as url, open_database(url, USER, black_hole.url) as database:
        for _ in range(2):
            found = await database.read(lambda c: c.execute(HERE).scalar(), stale=True)
            assert found == schema_of(url)
    assert len(black_hole.taken) == 1


async def test_a_replica_that_has_not_got_there_yet_is_not_missed(tmp_path: Path) -> None:
    """One that lacks what a migration has just made."""
    count = text("SELECT count(*) FROM users")
    async with (
        empty_url("postgresql", tmp_path) as url,
        empty_url("postgresql", tmp_path) as empty,
        open_database(url, USER, empty) as database,
    ):
        assert await database.read(lambda c: c.execute(count).scalar(), stale=True) == 0


async def test_only_postgresql_has_replicas(tmp_path: Path) -> None:
    """A file that is named as one is a mistake that is told at once."""
    async with empty_url("postgresql", tmp_path) as url:
        with pytest.raises(ValueError, match="replicas"):
            async with open_database(url, USER, f"sqlite:///{tmp_path}/x.db"):
                pass

"""Who leads: one at a time, and another one soon when that is gone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from mesh.database import Database, open_database
from mesh.sql.leader import Work, leading
from tests.contract.databases import KINDS, POSTGRES, empty_database, empty_url

MIGRATIONS = Path(__file__).parents[2] / "services" / "message" / "migrations"
LOOK_S = 0.01
_LEADERS = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid() AND "
    "((classid::bigint << 32) | objid::bigint) = hashtextextended(current_schema() || '/housekeeping', 0)"
)

needs_postgres = pytest.mark.skipif(not POSTGRES, reason="an SQLite file serves one process")


class Terms:
    """Who leads now, and how often somebody began to."""

    def __init__(self) -> None:
        self.now: list[str] = []
        self.begun = 0

    def work(self, name: str) -> Work:
        @asynccontextmanager
        async def term() -> AsyncIterator[None]:
            self.now.append(name)
            self.begun += 1
            try:
                yield
            finally:
                self.now.remove(name)

        return term


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_alone_leads(kind: str, tmp_path: Path) -> None:
    """Until it ends."""
    terms = Terms()
    async with empty_database(kind, tmp_path, MIGRATIONS) as database:
        async with leading(database, "housekeeping", terms.work("one"), look_s=LOOK_S):
            await until(lambda: terms.now == ["one"])
        assert terms.now == []


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    async with (
        empty_url("postgresql", tmp_path) as url,
        open_database(url, MIGRATIONS) as one,
        open_database(url, MIGRATIONS) as other,
    ):
        yield one, other


@needs_postgres
async def test_one_of_two_leads_and_the_other_one_follows(two: tuple[Database, Database]) -> None:
    """Under one name; what has another name has a leader of its own."""
    terms, others = Terms(), Terms()
    async with AsyncExitStack() as second:
        async with leading(two[0], "housekeeping", terms.work("one"), look_s=LOOK_S):
            await until(lambda: terms.now == ["one"])
            await second.enter_async_context(leading(two[1], "housekeeping", terms.work("two"), look_s=LOOK_S))
            await second.enter_async_context(leading(two[1], "else", others.work("two"), look_s=LOOK_S))
            await until(lambda: others.now == ["two"])
            assert terms.now == ["one"]
        await until(lambda: terms.now == ["two"])


@needs_postgres
async def test_who_loses_the_connection_steps_down(two: tuple[Database, Database]) -> None:
    """And somebody takes over."""
    terms = Terms()
    async with leading(two[0], "housekeeping", terms.work("one"), look_s=LOOK_S):
        await until(lambda: terms.now == ["one"])
        (pid,) = await two[0].read(lambda connection: list(connection.scalars(_LEADERS)))
        await two[1].write(
            lambda connection: connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        )
        await until(lambda: terms.begun == 2 and terms.now == ["one"])


@needs_postgres
async def test_work_that_fails_is_begun_anew(two: tuple[Database, Database]) -> None:
    """It is not left to nobody."""
    terms, failures = Terms(), [ValueError("no")]

    @asynccontextmanager
    async def work() -> AsyncIterator[None]:
        if failures:
            raise failures.pop()
        async with terms.work("one")():
            yield

    async with leading(two[0], "housekeeping", work, look_s=LOOK_S):
        await until(lambda: terms.now == ["one"])

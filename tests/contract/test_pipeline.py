"""Statements that do not wait for each other's answers: to whoever uses them no kind of database differs in it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from mesh.database import Database
from mesh.errors import Unavailable
from mesh.sql.pipeline import pipeline
from mesh.sql.prepared import Prepared
from services.message.tables import user_changes
from tests.contract.databases import KINDS, POSTGRES, empty_database
from tests.contract.test_prepared import INSERT, MESSAGE, row

MARK = Prepared(update(user_changes).values(published=user_changes.c.published + 1), [])
COUNT = Prepared(select(func.count().label("count")).select_from(user_changes))
MARKS = Prepared(select(func.sum(user_changes.c.published).label("marks")))


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(request.param, tmp_path, MESSAGE) as database:
        yield database


async def counted(database: Database) -> int:
    (found,) = await database.read(lambda connection: COUNT.rows(connection, {}))
    return int(found.count)


async def test_each_sees_what_those_before_it_did(database: Database) -> None:
    """Though nobody waited for them."""

    def work(connection: Connection) -> list[Any]:
        with pipeline(connection):
            before = COUNT.ask(connection, {})
            INSERT.run(connection, [row(1), row(2), row(3)])
            MARK.run(connection, [{}])
            answers = [before, COUNT.ask(connection, {}), MARKS.ask(connection, {})]
        return [answer.rows()[0] for answer in answers]

    assert [tuple(found) for found in await database.write(work)] == [(0,), (3,), (3,)]
    assert await counted(database) == 3


async def test_an_error_is_raised_when_it_is_left(database: Database) -> None:
    """As one of SQLAlchemy, and nothing stays; the connection is good for others."""

    def work(connection: Connection) -> None:
        with pipeline(connection):
            INSERT.run(connection, [row(1)])
            INSERT.run(connection, [row(1)])
            INSERT.run(connection, [row(2)])

    with pytest.raises(IntegrityError):
        await database.write(work)
    assert await counted(database) == 0


async def test_what_comes_last_is_on_disk_too(database: Database) -> None:
    """It is handed what was found, and what it writes is committed with the rest."""

    def work(connection: Connection) -> tuple[Connection, int]:
        INSERT.run(connection, [row(1)])
        return connection, 2

    assert (await database.write(work, lambda found: put(*found)))[1] == 2
    assert await counted(database) == 2


def put(connection: Connection, pos: int) -> None:
    INSERT.run(connection, [row(pos)])


async def test_when_what_comes_last_fails_nothing_is_written(database: Database) -> None:
    """Neither it nor what was before it."""

    def work(connection: Connection) -> Connection:
        INSERT.run(connection, [row(1)])
        return connection

    with pytest.raises(IntegrityError):
        await database.write(work, lambda connection: INSERT.run(connection, [row(2), row(2)]))
    with pytest.raises(ZeroDivisionError):
        await database.write(work, lambda _: 1 / 0)
    assert await counted(database) == 0
    await database.write(work)
    assert await counted(database) == 1


@pytest.mark.skipif(not POSTGRES, reason="CHAT_TEST_POSTGRES_URL is not set")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_what_comes_last_is_not_done_again(database: Database) -> None:
    """The commit goes with it: when the connection ends then, nobody knows, and the caller hears so."""
    tries = 0

    def work(connection: Connection) -> Connection:
        nonlocal tries
        tries += 1
        return connection

    def last(connection: Connection) -> None:
        INSERT.run(connection, [row(1)])
        driver: Any = connection.connection.driver_connection
        driver.close()

    with pytest.raises(Unavailable):
        await database.write(work, last)
    assert tries == 1
    assert await counted(database) == 0

"""Statements that go to the driver by themselves answer as those of SQLAlchemy do, on each kind of database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, event, insert, select, update
from sqlalchemy.exc import IntegrityError

from mesh.database import Database
from mesh.sql.prepared import Prepared
from services.message.tables import user_changes
from tests.contract.databases import KINDS, empty_database

MESSAGE = Path(__file__).parents[2] / "services" / "message" / "migrations"
AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
COLUMNS = user_changes.c
INSERT = Prepared(insert(user_changes), [column.name for column in COLUMNS])
FIND = Prepared(
    select(*COLUMNS["pos", "at", "body"], COLUMNS.type.label("pos"))
    .where(COLUMNS.user_id == bindparam("user"), COLUMNS.type == "said")
    .order_by(COLUMNS.pos)
)
MARK = Prepared(update(user_changes).where(COLUMNS.pos == bindparam("at_pos")).values(published=1), [])


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(request.param, tmp_path, MESSAGE) as database:
        yield database


def row(pos: int) -> dict[str, Any]:
    empty = dict.fromkeys(("workspace_id", "conversation_id", "actor_id", "traceparent", "correlation_id"), "")
    return {**empty, "user_id": "u", "pos": pos, "type": "said", "at": AT, "body": b"\0", "published": 0}


async def test_values_come_back_as_they_went(database: Database) -> None:
    """Many rows at once or one; of two columns with a name, the first has it."""
    assert await database.write(lambda connection: INSERT.run(connection, [row(1), row(2)])) == 2
    assert await database.write(lambda connection: INSERT.run(connection, [row(3)])) == 1
    found = await database.read(lambda connection: FIND.rows(connection, {"user": "u"}))
    assert [tuple(one) for one in found] == [(pos, AT, b"\0", "said") for pos in (1, 2, 3)]
    assert found[0].pos == 1
    assert await database.read(lambda connection: FIND.rows(connection, {"user": "nobody"})) == []


@pytest.mark.parametrize("fixed", [{}, {"published": 0}], ids=["all", "some"])
async def test_values_may_come_in_the_order_of_the_columns(database: Database, fixed: dict[str, Any]) -> None:
    """Whatever that is, and whether or not some stand in the statement."""
    names = sorted((name for name in row(1) if name not in fixed), reverse=True)
    statement = Prepared(insert(user_changes).values(fixed), names)
    rows = [tuple(row(pos)[name] for name in names) for pos in (1, 2)]
    assert await database.write(lambda connection: statement.run(connection, rows)) == 2
    found = await database.read(lambda connection: FIND.rows(connection, {"user": "u"}))
    assert [tuple(one) for one in found] == [(pos, AT, b"\0", "said") for pos in (1, 2)]


async def test_it_tells_how_many_rows_changed(database: Database) -> None:
    """What an update finds."""
    await database.write(lambda connection: INSERT.run(connection, [row(1)]))
    assert await database.write(lambda connection: MARK.run(connection, [{"at_pos": 1}])) == 1
    assert await database.write(lambda connection: MARK.run(connection, [{"at_pos": 2}])) == 0


async def test_errors_are_those_of_sqlalchemy_without_values(database: Database) -> None:
    """So that whoever tells outages from conflicts sees no difference, and nothing that was written gets into a log."""
    secret = {**row(1), "correlation_id": "what nobody else may see"}
    with pytest.raises(IntegrityError) as raised:
        await database.write(lambda connection: INSERT.run(connection, [secret, secret]))
    assert secret["correlation_id"] not in str(raised.value)
    assert await database.read(lambda connection: FIND.rows(connection, {"user": "u"})) == []


async def test_who_listens_to_an_engine_is_told(database: Database) -> None:
    """Among them who cuts connections that have waited for too long."""
    told: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        told.append(statement)

    await database.read(lambda connection: FIND.rows(connection, {"user": "u"}))
    assert sum(statement.startswith("SELECT") for statement in told) == 1

"""How the outbox is read on SQLite."""

import pytest
from sqlalchemy import event

from services.user.outbox_sql import SqlOutbox
from tests.integration.user.world import World


async def test_unpublished_rows_are_found_by_their_index(world: World) -> None:
    """The relay asks all the time; it must not read the whole log."""
    if world.database.engine.dialect.name != "sqlite":
        pytest.skip("plans are told apart by their text")
    asked: list[str] = []

    @event.listens_for(world.database.engine, "before_cursor_execute")
    def listen(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    await SqlOutbox(world.database).unpublished(10)
    [query] = [statement for statement in asked if statement.startswith("SELECT")]
    plan = await world.database.read(
        lambda connection: connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (10, 0)).all()
    )
    assert "ix_user_changes_unpublished" in str(plan)

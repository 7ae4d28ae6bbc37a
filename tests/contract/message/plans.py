"""How a database answers queries: what holds that a cost does not grow with what is stored."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Executable, event, text

from mesh.database import Database

Asked = tuple[str, Any]
"""A statement and its parameters."""


@contextmanager
def asked(database: Database) -> Iterator[list[Asked]]:
    """The queries that are made meanwhile."""
    found: list[Asked] = []

    def listen(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "WITH")):
            found.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", listen)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", listen)


def plan(database: Database, query: Asked) -> str:
    """How the database would answer, if it did not read whole tables only because they are small."""
    is_sqlite = database.engine.dialect.name == "sqlite"
    with database.engine.connect() as connection:
        if not is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        rows = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{query[0]}", query[1])
        return "\n".join(" ".join(map(str, row)) for row in rows)


def plan_of(database: Database, statement: Executable, values: Mapping[str, Any]) -> str:
    """The same, of a statement."""
    with asked(database) as queries, database.engine.connect() as connection:
        connection.execute(statement, dict(values))
    return plan(database, queries[0])

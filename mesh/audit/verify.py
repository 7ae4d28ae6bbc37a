"""Reads an audit log from its first entry to its end, and finds the first that is not as it was written."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, select, type_coerce
from sqlalchemy.types import NullType

from mesh.audit.log import FIELDS, HEAD_ID, START, Trail, advance, seal_of

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many entries are as they were written, and the number of the first that is not, or is missing; 0 for none."""

    entries: int
    broken_seq: int = 0
    detail: str = ""


def verify(connection: Connection, trail: Trail) -> Verdict:
    """Checks the whole log, a batch at a time. Nothing may come before it in its transaction."""
    if connection.dialect.name == "postgresql":  # A transaction of SQLite sees one state of the database anyway.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    state, checked = START, 0
    for row in _rows(connection, trail.log):
        if row[0] != checked + 1:
            return Verdict(checked, checked + 1, "The entry is missing, or was put in another place.")
        state = advance(trail.key, state, row[:-1])
        if row[-1] != seal_of(state):
            return Verdict(checked, checked + 1, "The entry was changed, or put in by somebody else.")
        checked += 1
    head = connection.execute(select(*_raw(trail.head, ("id", "seq", "hash")))).all()
    if [tuple(row) for row in head] != [(HEAD_ID, checked, state)]:
        return Verdict(checked, checked + 1, "The entry is missing: the log does not end where it was left.")
    return Verdict(checked)


def _rows(connection: Connection, log: Table) -> Iterator[Row[Any]]:
    query = select(*_raw(log, (*FIELDS, "hash"))).order_by(log.c.seq).limit(BATCH)
    rows = connection.execute(query).all()
    while rows:
        yield from rows
        rows = connection.execute(query.where(log.c.seq > rows[-1][0])).all()


def _raw(table: Table, names: tuple[str, ...]) -> list[Any]:
    """Columns as the database has them: what somebody else put there need not be a moment, or of the right type."""
    return [type_coerce(table.c[name], NullType()).label(name) for name in names]

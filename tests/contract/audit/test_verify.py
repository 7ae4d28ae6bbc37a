"""Whatever somebody does to an audit log without its key is found, by the number of the first entry that it hits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, LargeBinary, String, Table, Text, delete, insert, select, type_coerce, update
from sqlalchemy.types import NullType

from mesh.audit.log import Trail, note
from mesh.audit.verify import Verdict, verify
from mesh.database import Database
from tests.contract.audit.test_log import sample

ENTRIES = 6
NUMBERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=32)
COLUMNS = [
    *[("log", column) for column in ("seq", "at", "workspace_id", "action", "result", "actor_id", "subject_id")],
    *[("log", column) for column in ("address", "trace_id", "detail", "hash")],
    *[("head", column) for column in ("id", "seq", "hash")],
]
# The database is put back as it was after each example.
often = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def log(database: Database, trail: Trail) -> "Log":
    return Log(database, trail)


class Log:
    """A log with some entries, and somebody who may write to its database but has no key."""

    def __init__(self, database: Database, trail: Trail) -> None:
        self.trail = trail
        self._engine = database.engine.execution_options(write=True)
        with self._engine.begin() as connection:
            for number in range(ENTRIES):
                note(connection, trail, sample(str(number), why="because"))
        self.log_rows, self.head_rows = self._rows(trail.log), self._rows(trail.head)

    def found(self, tamper: Callable[[Connection], Any]) -> Verdict:
        """What the check says after `tamper`, which is then undone."""
        with self._tampered(tamper), self._engine.begin() as connection:
            return verify(connection, self.trail)

    @contextmanager
    def _tampered(self, tamper: Callable[[Connection], Any]) -> Iterator[None]:
        with self._engine.begin() as connection:
            tamper(connection)
        try:
            yield
        finally:
            with self._engine.begin() as connection:
                for table, rows in ((self.trail.log, self.log_rows), (self.trail.head, self.head_rows)):
                    connection.execute(delete(table))
                    connection.execute(insert(table), rows)

    def _rows(self, table: Table) -> list[dict[str, Any]]:
        with self._engine.begin() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]


def values(table: Table, column: str) -> st.SearchStrategy[Any]:
    """What the column can hold."""
    kind = table.c[column].type
    if isinstance(kind, LargeBinary):
        return st.binary(min_size=32, max_size=32)
    if isinstance(kind, String | Text):
        return TEXTS
    return st.integers(-(2**31), 2**31 - 1) if column == "id" else NUMBERS


def put(table: Table, row: Any, column: str, value: object) -> Callable[[Connection], Any]:
    """Sets one field, past the types that the service has."""
    change = update(table).where(row).values({column: type_coerce(value, NullType())})
    return lambda connection: connection.execute(change)


@pytest.mark.parametrize(("where", "column"), COLUMNS)
@often
@given(data=st.data())
def test_a_changed_field_is_found(log: Log, where: str, column: str, data: st.DataObject) -> None:
    """In any column of any row, whatever its new value."""
    table = log.trail.log if where == "log" else log.trail.head
    number = data.draw(st.integers(1, ENTRIES)) if where == "log" else ENTRIES + 1
    before = log.log_rows[number - 1] if where == "log" else log.head_rows[0]
    value = data.draw(values(table, column))
    if column == "seq" and where == "log":
        assume(value not in range(1, ENTRIES + 1))
    elif column == "at":
        assume(value != int(before["at"].timestamp() * 1_000_000))
    else:
        assume(value != before[column])
    key = table.c.seq == number if where == "log" else table.c.id == 1
    verdict = log.found(put(table, key, column, value))
    # A number below all others stands in the place of the first.
    assert verdict.broken_seq == (1 if where == "log" and column == "seq" and value < 1 else number)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@often
@given(
    number=st.integers(1, ENTRIES),
    column=st.sampled_from([column for where, column in COLUMNS if where == "log"]),
    value=st.one_of(st.binary(max_size=40), TEXTS, st.floats(allow_nan=False)),
)
def test_a_value_of_another_type_is_found(log: Log, number: int, column: str, value: object) -> None:
    """SQLite lets columns hold anything."""
    assume(value != log.log_rows[number - 1][column])
    assert log.found(put(log.trail.log, log.trail.log.c.seq == number, column, value)).broken_seq


@pytest.mark.parametrize("number", range(1, ENTRIES + 1))
def test_a_removed_entry_is_found(log: Log, number: int) -> None:
    """The last one too."""
    table = log.trail.log
    gone = delete(table).where(table.c.seq == number)
    assert log.found(lambda connection: connection.execute(gone)).broken_seq == number


@pytest.mark.parametrize("kept", range(ENTRIES))
def test_a_log_cut_at_its_end_is_found(log: Log, kept: int) -> None:
    """Even when the head says that it ends there, with all that the last entry shows."""
    table, head = log.trail.log, log.trail.head
    shown = log.log_rows[kept - 1]["hash"] if kept else log.head_rows[0]["hash"]

    def cut(connection: Connection) -> None:
        connection.execute(delete(table).where(table.c.seq > kept))
        connection.execute(update(head).values(seq=kept, hash=shown))

    assert log.found(cut) == Verdict(kept, kept + 1, "The entry is missing: the log does not end where it was left.")


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 5), (1, ENTRIES)])
def test_entries_in_another_order_are_found(log: Log, first: int, second: int) -> None:
    """Two that have changed places, with their hashes."""
    table = log.trail.log

    def swap(connection: Connection) -> None:
        for before, after in ((first, -1), (second, first), (-1, second)):
            connection.execute(update(table).where(table.c.seq == before).values(seq=after))

    assert log.found(swap).broken_seq == first


@pytest.mark.parametrize("key", [b"", b"guessed" * 4])
def test_a_forged_entry_is_found(log: Log, key: bytes) -> None:
    """Noted by the platform's own way, but by somebody who does not know the key."""
    forger = Trail(log.trail.log, log.trail.head, key)
    assert log.found(lambda connection: note(connection, forger, sample("forged"))).broken_seq == ENTRIES + 1


def test_a_log_without_a_head_is_found(log: Log) -> None:
    """As is one with two."""
    head = log.trail.head
    assert log.found(lambda connection: connection.execute(delete(head))).broken_seq == ENTRIES + 1
    second = insert(head).values(id=2, seq=ENTRIES, hash=log.head_rows[0]["hash"])
    assert log.found(lambda connection: connection.execute(second)).broken_seq == ENTRIES + 1

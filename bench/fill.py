"""Large tables in little time: a row is copied many times inside the database, with something else in some columns."""

import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    String,
    Table,
    cast,
    create_engine,
    func,
    insert,
    literal,
    select,
    text,
    true,
)

from bench.clock import Stopwatch
from bench.folder import on_disk
from mesh.database import sqlite_url
from tests.contract.databases import POSTGRES, new_schema

Number = ColumnElement[Any]
Columns = dict[str, Callable[[Any], Any]]
"""By column, what it holds in the copy of a number, counted from 1."""


def copies(connection: Connection, table: Table, original: ColumnElement[bool], count: int, columns: Columns) -> None:
    """Adds `count` copies of the row that `original` finds. An integer key that counts itself is left to do so."""
    first = select(literal(1, BigInteger).label("i")).cte("numbers", recursive=True)
    numbers = first.union_all(select(first.c.i + 1).where(first.c.i < count))
    kept = [column for column in table.columns if column.name in columns or column.autoincrement is not True]
    values = [columns[column.name](numbers.c.i) if column.name in columns else column for column in kept]
    source = select(*values).select_from(table.join(numbers, true())).where(original)
    connection.execute(insert(table).from_select([column.name for column in kept], source))


def numbered_id(kind: int, number: Number) -> Any:
    """A UUID that ends with the number."""
    return literal(f"{kind:08}-0000-7000-8000-") + func.substr(cast(number + 10**12, String), 2)


def numbered(kind: int, number: int) -> str:
    """The same in Python."""
    return f"{kind:08}-0000-7000-8000-{number:012}"


@contextmanager
def databases() -> Iterator[dict[str, tuple[str, Path]]]:
    """By kind, the URL of an empty database and a folder: SQLite, and PostgreSQL where there is one for tests."""
    with on_disk() as folder:
        found = {"SQLite": (sqlite_url(folder / "message.db"), folder)}
        if not POSTGRES:
            yield found
            return
        with new_schema(POSTGRES) as url:
            yield {**found, "PostgreSQL": (url, folder)}


def open_beside(url: str) -> Engine:
    """An engine for filling, beside that of the service."""
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.execute(text("PRAGMA journal_mode = wal"))
    return engine


def analyze(connection: Connection) -> None:
    """What the server's own daemon does after a while."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE"))


async def times_ms(count: int, *calls: Callable[[], Awaitable[object]]) -> list[list[float]]:
    """How long each of the calls took, in turn, by call, ascending."""
    found: list[list[float]] = [[] for _ in calls]
    for call in calls:
        await call()
    for _ in range(count):
        for took, call in zip(found, calls, strict=True):
            watch = Stopwatch()
            await call()
            took.append(watch.wall_s() * 1e3)
    return [sorted(took) for took in found]


def at(sorted_values: Sequence[float], part: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * part))]


def size(usual: int) -> int:
    """How many of something; `CHAT_BENCH_PART` makes it a part of the usual, to try the bench itself."""
    return max(10, int(usual * _part()))


def is_quick() -> bool:
    """Whether the bench itself is tried."""
    return _part() < 1


def _part() -> float:
    return float(os.environ.get("CHAT_BENCH_PART", "1"))

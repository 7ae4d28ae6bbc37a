"""Many rows by keys of several columns, in statements that SQLite and PostgreSQL both answer from an index."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Select, column, text

from mesh.sql.prepared import Answer, Prepared

MAX_KEYS = 512
"""In one statement: databases take so many values and no more, and a statement is compiled for each size."""


def by_keys(
    connection: Connection,
    query: Select[Any],
    columns: Sequence[Column[Any]],
    keys: Sequence[tuple[Any, ...]],
    **values: Any,
) -> list[Any]:
    """The rows of `query` whose `columns` equal one of `keys`, as named tuples, in no order.

    `query` is one of few that are kept; `values` are those of its parameters.

    `(a, b) IN (...)` would scan the table in SQLite; a join with the keys does not.
    """
    return ask_by_keys(connection, query, columns, keys, **values)()


def ask_by_keys(
    connection: Connection,
    query: Select[Any],
    columns: Sequence[Column[Any]],
    keys: Sequence[tuple[Any, ...]],
    **values: Any,
) -> Callable[[], list[Any]]:
    """The same, to be read later: for a pipeline (mesh/sql/pipeline.py), once that has been left."""
    keys = list(dict.fromkeys(keys))
    answers = [
        _some(connection, query, tuple(columns), keys[start : start + MAX_KEYS], values)
        for start in range(0, len(keys), MAX_KEYS)
    ]
    return lambda: [row for answer in answers for row in answer.rows()]


def _some(
    connection: Connection,
    query: Select[Any],
    columns: tuple[Column[Any], ...],
    keys: list[tuple[Any, ...]],
    values: dict[str, Any],
) -> Answer:
    size = 1 << (len(keys) - 1).bit_length()  # Few sizes, so that statements are compiled once.
    padded = [*keys, *[(None,) * len(columns)] * (size - len(keys))]
    values = values | {f"k{i}_{j}": value for i, key in enumerate(padded) for j, value in enumerate(key)}
    return _joined(query, columns, size).ask(connection, values)


@cache
def _joined(query: Select[Any], columns: tuple[Column[Any], ...], size: int) -> Prepared:
    rows = ", ".join(f"({', '.join(f':k{i}_{j}' for j in range(len(columns)))})" for i in range(size))
    # Both databases call the columns of VALUES column1, column2 and so on.
    names: list[Column[Any]] = [column(f"column{j + 1}") for j in range(len(columns))]  # type: ignore[misc]
    keys = text(f"VALUES {rows}").columns(*names).subquery("keys")
    return Prepared(query.where(*[c == keys.c[name.name] for c, name in zip(columns, names, strict=True)]))

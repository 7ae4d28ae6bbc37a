"""Many rows by keys of several columns, in one statement that SQLite and PostgreSQL both answer from an index."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, column, text


def by_keys(
    connection: Connection,
    query: Select[Any],
    columns: Sequence[Column[Any]],
    keys: Sequence[tuple[Any, ...]],
    **values: Any,
) -> Sequence[Row[Any]]:
    """The rows of `query` whose `columns` equal one of `keys`, in no order. `query` is one of few that are kept.

    `values` are those of its parameters.

    `(a, b) IN (...)` would scan the table in SQLite; a join with the keys does not.
    """
    if not keys:
        return []
    keys = list(dict.fromkeys(keys))
    size = 1 << (len(keys) - 1).bit_length()  # Few sizes, so that statements are compiled once.
    padded = [*keys, *[(None,) * len(columns)] * (size - len(keys))]
    values |= {f"k{i}_{j}": value for i, key in enumerate(padded) for j, value in enumerate(key)}
    return connection.execute(_joined(query, tuple(columns), size), values).all()


@cache
def _joined(query: Select[Any], columns: tuple[Column[Any], ...], size: int) -> Select[Any]:
    rows = ", ".join(f"({', '.join(f':k{i}_{j}' for j in range(len(columns)))})" for i in range(size))
    # Both databases call the columns of VALUES column1, column2 and so on.
    names: list[Column[Any]] = [column(f"column{j + 1}") for j in range(len(columns))]  # type: ignore[misc]
    keys = text(f"VALUES {rows}").columns(*names).subquery("keys")
    return query.where(*[c == keys.c[name.name] for c, name in zip(columns, names, strict=True)])

"""Pages of a query by the key of a row: stable while rows come and go elsewhere, and never a scan."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, literal, tuple_

from mesh.page import Place, Slice


def read_slice(
    connection: Connection,
    query: Select[Any],
    columns: Sequence[ColumnElement[Any]],
    place: Place | None,
    limit: int,
    *,
    falling: bool = False,
) -> Slice[Row[Any]]:
    """Up to `limit` rows next to `place` in the order of `columns`, which name a row; the first rows for None."""
    back = place is not None and place.back
    descending = falling != back
    paged = query.order_by(*[column.desc() if descending else column for column in columns])
    if place is None:
        rows = connection.execute(paged.limit(limit + 1)).all()
        return Slice(rows[:limit], has_prev=False, has_next=len(rows) > limit)
    row, key = tuple_(*columns), _literals(columns, place)
    rows = connection.execute(paged.where(row < key if descending else row > key).limit(limit + 1)).all()
    # What led here may be gone by now, so whether anything lies on the other side is asked, not assumed.
    beyond = query.where(row >= key if descending else row <= key).limit(1)
    more, others = len(rows) > limit, connection.execute(beyond).first() is not None
    if back:
        return Slice(rows[:limit][::-1], has_prev=more, has_next=others)
    return Slice(rows[:limit], has_prev=others, has_next=more)


def by_moment(place: Place | None) -> Place | None:
    """The place whose key begins with a moment, of one that a cursor keeps as text in ISO 8601."""
    if place is None:
        return None
    moment, *rest = place.key
    return Place((datetime.fromisoformat(moment), *rest), place.back)


def _literals(columns: Sequence[ColumnElement[Any]], place: Place) -> ColumnElement[Any]:
    return tuple_(*[literal(value, column.type) for value, column in zip(place.key, columns, strict=True)])

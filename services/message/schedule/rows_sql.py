"""How planned messages stand in their table."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from services.message.schedule.domain import Scheduled, State
from services.message.tables import scheduled

COLUMNS = scheduled.c[Scheduled.__slots__]
_ONE = select(*COLUMNS).where(scheduled.c.id == bindparam("id"), scheduled.c.workspace_id == bindparam("workspace_id"))


def plan_of(row: Sequence[Any]) -> Scheduled:
    """A row that begins with `COLUMNS`."""
    values = dict(zip(Scheduled.__slots__, row, strict=False))
    return Scheduled(**values | {"state": State(values["state"])})


def find(connection: Connection, workspace_id: str, scheduled_id: str) -> Scheduled | None:
    """A plan, whoever's it is."""
    row = connection.execute(_ONE, {"id": scheduled_id, "workspace_id": workspace_id}).one_or_none()
    return None if row is None else plan_of(row)

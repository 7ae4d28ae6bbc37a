"""Planned messages in an SQL database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, text

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import by_moment, read_slice
from mesh.page import Place, Slice
from services.message.messages.reads_sql import of
from services.message.schedule import domain
from services.message.schedule.domain import Scheduled
from services.message.schedule.rows_sql import COLUMNS, find, plan_of
from services.message.tables import scheduled

# States are no bound values: it has to be seen that the partial indexes fit.
_OPEN = select(*COLUMNS).where(
    scheduled.c.workspace_id == bindparam("workspace_id"),
    scheduled.c.user_id == bindparam("user_id"),
    text("state IN (1, 3)"),
)
_DUE = (
    select(*COLUMNS)
    .where(text("state = 1"), scheduled.c.send_at <= bindparam("now"))
    .order_by(scheduled.c.send_at)
    .limit(bindparam("count"))
)
_NEXT = select(func.min(scheduled.c.send_at)).where(text("state = 1"))


class SqlScheduleStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Principal, scheduled_id: str) -> Scheduled:
        plan = await self._database.read(lambda connection: find(connection, caller.workspace_id, scheduled_id))
        return domain.mine(plan, caller.user_id)

    async def page(self, caller: Principal, place: Place | None, limit: int) -> Slice[Scheduled]:
        def work(connection: Connection) -> Slice[Scheduled]:
            key = (scheduled.c.send_at, scheduled.c.id)
            found = read_slice(connection, _OPEN.params(of(caller)), key, by_moment(place), limit)
            return Slice([plan_of(row) for row in found.items], found.has_prev, found.has_next)

        return await self._database.read(work)

    async def due(self, now: datetime, limit: int) -> Sequence[Scheduled]:
        values = {"now": now, "count": limit}
        rows = await self._database.read(lambda connection: connection.execute(_DUE, values).all())
        return [plan_of(row) for row in rows]

    async def next_at(self) -> datetime | None:
        next_at: datetime | None = await self._database.read(lambda connection: connection.scalar(_NEXT))
        return next_at

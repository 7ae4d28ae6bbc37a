"""The audit log in SQL."""

import json
from typing import Any

from sqlalchemy import Row, or_, select

from mesh.audit.entry import Entry
from mesh.audit.log import Trail, note
from mesh.audit.verify import Verdict, verify
from mesh.database import Database
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.user.audit.domain import Search
from services.user.audit.store import Noted


class SqlAuditStore:
    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail

    async def page(self, search: Search, place: Place | None, limit: int) -> Slice[Noted]:
        log = self._trail.log
        query = select(log).where(log.c.workspace_id == search.workspace_id)
        if search.action:
            query = query.where(log.c.action == search.action)
        if search.user_id:
            query = query.where(or_(log.c.actor_id == search.user_id, log.c.subject_id == search.user_id))
        found = await self._database.read(
            lambda connection: read_slice(connection, query, [log.c.seq], place, limit, falling=True), stale=True
        )
        return Slice([_noted(row) for row in found.items], found.has_prev, found.has_next)

    async def note(self, entry: Entry) -> None:
        await self._database.write(lambda connection: note(connection, self._trail, entry))

    async def verify(self) -> Verdict:
        return await self._database.read(lambda connection: verify(connection, self._trail))


def _noted(row: Row[Any]) -> Noted:
    entry = Entry(
        action=row.action,
        at=row.at,
        workspace_id=row.workspace_id,
        actor_id=row.actor_id,
        subject_id=row.subject_id,
        result=row.result,
        address=row.address,
        trace_id=row.trace_id,
        detail=json.loads(row.detail),
    )
    return Noted(row.seq, entry)

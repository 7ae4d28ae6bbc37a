"""Reports in an SQL database."""

from sqlalchemy import select

from mesh.database import Database
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.message.reports.domain import Report, Status
from services.message.reports.reads_sql import REPORT, report_of
from services.message.tables import reports


class SqlReportStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, workspace_id: str, status: Status | None, place: Place | None, limit: int) -> Slice[Report]:
        query = select(*REPORT).where(reports.c.workspace_id == workspace_id)
        if status is not None:
            query = query.where(reports.c.status == status)
        found = await self._database.read(
            lambda connection: read_slice(connection, query, (reports.c.id,), place, limit, falling=True)
        )
        return Slice([report_of(row) for row in found.items], found.has_prev, found.has_next)

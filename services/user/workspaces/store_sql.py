"""Workspaces in SQL."""

from dataclasses import asdict

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from mesh.audit.entry import entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from mesh.errors import Conflict, NotFound
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.user.tables import workspaces
from services.user.workspaces.domain import Workspace

_COLUMNS = [workspaces.c.id, workspaces.c.name, workspaces.c.created_at]


class SqlWorkspaceStore:
    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail

    async def add(self, workspace: Workspace) -> None:
        noted = entry("workspace.created", at=workspace.created_at, workspace_id=workspace.id, subject_id=workspace.id)

        def work(connection: Connection) -> None:
            connection.execute(insert(workspaces).values(asdict(workspace)))
            note(connection, self._trail, noted)

        try:
            await self._database.write(work)
        except IntegrityError:
            raise Conflict("WORKSPACE_TAKEN", "Another workspace has this id.") from None

    async def get(self, workspace_id: str) -> Workspace:
        query = select(*_COLUMNS).where(workspaces.c.id == workspace_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound("WORKSPACE_NOT_FOUND", "There is no such workspace.")
        return Workspace(*row)

    async def page(self, place: Place | None, limit: int) -> Slice[Workspace]:
        found = await self._database.read(
            lambda connection: read_slice(connection, select(*_COLUMNS), [workspaces.c.id], place, limit)
        )
        return Slice(
            [Workspace(row.id, row.name, row.created_at) for row in found.items], found.has_prev, found.has_next
        )

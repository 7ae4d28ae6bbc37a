"""Groups in an SQL database."""

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.message.groups.domain import Filled, not_found
from services.message.groups.reads_sql import GROUP, filled, group_of
from services.message.tables import groups

_ALL = select(*GROUP).where(groups.c.workspace_id == bindparam("workspace_id"))
_ONE = _ALL.where(groups.c.id == bindparam("id"))


class SqlGroupStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Principal, group_id: str) -> Filled:
        def work(connection: Connection) -> Filled:
            row = connection.execute(_ONE, {"workspace_id": caller.workspace_id, "id": group_id}).one_or_none()
            if row is None:
                raise not_found()
            return filled(connection, caller.workspace_id, [group_of(row)])[0]

        return await self._database.read(work)

    async def page(self, caller: Principal, place: Place | None, limit: int) -> Slice[Filled]:
        def work(connection: Connection) -> Slice[Filled]:
            query = _ALL.params(workspace_id=caller.workspace_id)
            found = read_slice(connection, query, (groups.c.handle,), place, limit)
            items = filled(connection, caller.workspace_id, [group_of(row) for row in found.items])
            return Slice(items, found.has_prev, found.has_next)

        return await self._database.read(work)

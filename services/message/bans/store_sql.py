"""Bans in an SQL database."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import by_moment, read_slice
from mesh.page import Place, Slice
from services.message.bans.domain import Ban
from services.message.bans.reads_sql import BAN, HOLDS, ban_of
from services.message.conversations.domain import Role, check_role
from services.message.conversations.store_sql import read_member
from services.message.tables import bans

_BANS = select(*BAN).where(
    bans.c.workspace_id == bindparam("workspace_id"), bans.c.conversation_id == bindparam("id"), HOLDS
)


class SqlBanStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, caller: Principal, conversation_id: str, place: Place | None, limit: int, now: datetime
    ) -> Slice[Ban]:
        def work(connection: Connection) -> Slice[Ban]:
            check_role(read_member(connection, caller, conversation_id), Role.ADMIN)
            query = _BANS.params(workspace_id=caller.workspace_id, id=conversation_id, at=now)
            key = (bans.c.created_at, bans.c.user_id)
            found = read_slice(connection, query, key, by_moment(place), limit, falling=True)
            return Slice([ban_of(row) for row in found.items], found.has_prev, found.has_next)

        return await self._database.read(work)

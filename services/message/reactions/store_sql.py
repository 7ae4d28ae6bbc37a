"""Reactions in an SQL database."""

from sqlalchemy import Connection, select

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.message.messages.reads_sql import one_visible
from services.message.reactions.domain import Actor
from services.message.tables import reactions

_ACTORS = select(*reactions.c[Actor.__slots__])


class SqlReactionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, caller: Principal, message_id: str, emoji: str, place: Place | None, limit: int
    ) -> Slice[Actor]:
        def work(connection: Connection) -> Slice[Actor]:
            message = one_visible(connection, caller, message_id)
            if message.deleted_at is not None:
                return Slice([], has_prev=False, has_next=False)
            query = _ACTORS.where(
                reactions.c.workspace_id == message.workspace_id, reactions.c.message_id == message.id
            )
            if emoji:
                query = query.where(reactions.c.emoji == emoji)
            found = read_slice(connection, query, (reactions.c.pos,), place, limit)
            items = [Actor(row.emoji, row.user_id, row.created_at, row.pos) for row in found.items]
            return Slice(items, found.has_prev, found.has_next)

        return await self._database.read(work)

"""Exports from an SQL database."""

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from services.message.conversations.domain import Role, check_role, not_found
from services.message.messages.reads_sql import of
from services.message.rows import MEMBER, member_of
from services.message.tables import conversations, members
from services.message.transfer.store import Heads

_MANAGED = (
    select(*MEMBER, conversations.c.last_seq, conversations.c.last_pos)
    .join(conversations, conversations.c.id == members.c.conversation_id)
    .where(
        conversations.c.workspace_id == bindparam("workspace_id"),
        members.c.workspace_id == bindparam("workspace_id"),
        members.c.conversation_id == bindparam("id"),
        members.c.user_id == bindparam("user_id"),
    )
)


class SqlTransferStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def managed(self, caller: Principal, conversation_id: str) -> Heads:
        def work(connection: Connection) -> Heads:
            row = connection.execute(_MANAGED, of(caller, id=conversation_id)).one_or_none()
            if row is None:
                raise not_found()
            check_role(member_of(row[: len(MEMBER)]), Role.ADMIN)
            return Heads(*row[len(MEMBER) :])

        return await self._database.read(work)

"""Drafts in an SQL database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import by_moment, read_slice
from mesh.page import Place, Slice
from services.message.conversations.domain import not_found
from services.message.drafts.domain import Draft
from services.message.messages.reads_sql import of
from services.message.tables import drafts, members

COLUMNS = drafts.c["conversation_id", "thread_root", "text", "reply_to", "updated_at"]
"""Of a draft, in its order."""
_MINE = (
    select(*COLUMNS)
    .join(members, (members.c.conversation_id == drafts.c.conversation_id) & (members.c.user_id == drafts.c.user_id))
    .where(
        drafts.c.workspace_id == bindparam("workspace_id"),
        members.c.workspace_id == bindparam("workspace_id"),
        drafts.c.user_id == bindparam("user_id"),
    )
)
_ONE = (
    select(*COLUMNS)
    .select_from(
        members.outerjoin(
            drafts,
            (drafts.c.conversation_id == members.c.conversation_id)
            & (drafts.c.user_id == members.c.user_id)
            & (drafts.c.thread_root == bindparam("thread_root")),
        )
    )
    .where(
        members.c.workspace_id == bindparam("workspace_id"),
        members.c.conversation_id == bindparam("conversation_id"),
        members.c.user_id == bindparam("user_id"),
    )
)


class SqlDraftStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Principal, conversation_id: str, thread_root: str) -> Draft:
        key = of(caller, conversation_id=conversation_id, thread_root=thread_root)
        row = await self._database.read(lambda connection: connection.execute(_ONE, key).one_or_none())
        if row is None:
            raise not_found()
        return draft_of(row) if row.conversation_id is not None else Draft(conversation_id, thread_root)

    async def page(self, caller: Principal, place: Place | None, limit: int) -> Slice[Draft]:
        def work(connection: Connection) -> Slice[Draft]:
            key = (drafts.c.updated_at, drafts.c.conversation_id, drafts.c.thread_root)
            found = read_slice(connection, _MINE.params(of(caller)), key, by_moment(place), limit, falling=True)
            return Slice([draft_of(row) for row in found.items], found.has_prev, found.has_next)

        return await self._database.read(work)


def draft_of(row: Sequence[Any]) -> Draft:
    """A row that begins with `COLUMNS`."""
    return Draft(*row[: len(COLUMNS)])

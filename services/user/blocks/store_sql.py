"""Blocks in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, or_, select

from chat.event.v1 import user_events_pb2 as events
from mesh.database import Database
from mesh.errors import NotFound
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.user import outbox_sql
from services.user.accounts.reads_sql import COLUMNS, lock, to_domain
from services.user.blocks.domain import Block
from services.user.tables import blocks, users


class SqlBlockStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, workspace_id: str, user_id: str, blocked_id: str, now: datetime) -> None:
        source, pair = outbox_sql.origin(), _pair(workspace_id, user_id, blocked_id)
        other = exists().where(users.c.workspace_id == workspace_id, users.c.id == blocked_id)

        def work(connection: Connection) -> None:
            lock(connection, workspace_id, user_id)  # Of several at once the others find it there.
            if not connection.execute(select(other)).scalar():
                raise NotFound("USER_NOT_FOUND", "There is no such user.")
            if connection.execute(select(exists().where(pair))).scalar():
                return
            connection.execute(
                insert(blocks).values(workspace_id=workspace_id, user_id=user_id, blocked_id=blocked_id, created_at=now)
            )
            _tell(connection, workspace_id, user_id, blocked_id, now, source, is_blocked=True)

        await self._database.write(work)

    async def remove(self, workspace_id: str, user_id: str, blocked_id: str, now: datetime) -> None:
        source, pair = outbox_sql.origin(), _pair(workspace_id, user_id, blocked_id)

        def work(connection: Connection) -> None:
            lock(connection, workspace_id, user_id)
            if connection.execute(delete(blocks).where(pair)).rowcount:
                _tell(connection, workspace_id, user_id, blocked_id, now, source, is_blocked=False)

        await self._database.write(work)

    async def page(self, workspace_id: str, user_id: str, place: Place | None, limit: int) -> Slice[Block]:
        theirs = (blocks.c.workspace_id == workspace_id) & (blocks.c.user_id == user_id)
        joined = blocks.join(users, users.c.id == blocks.c.blocked_id)
        query = select(*COLUMNS, blocks.c.created_at.label("blocked_at")).select_from(joined).where(theirs)
        key = [blocks.c.created_at, blocks.c.blocked_id]
        found = await self._database.read(
            lambda connection: read_slice(connection, query, key, place, limit, falling=True)
        )
        items = [Block(to_domain(row._mapping), row.blocked_at) for row in found.items]
        return Slice(items, found.has_prev, found.has_next)

    async def refused(self, workspace_id: str, user_id: str, ids: Sequence[str]) -> Sequence[str]:
        pair = blocks.c
        either = or_(
            (pair.user_id == user_id) & pair.blocked_id.in_(ids),
            (pair.blocked_id == user_id) & pair.user_id.in_(ids),
        )
        query = select(pair.user_id, pair.blocked_id).where(pair.workspace_id == workspace_id, either)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        between = {id for row in rows for id in row} - {user_id}
        return [id for id in dict.fromkeys(ids) if id in between]


def _pair(workspace_id: str, user_id: str, blocked_id: str) -> ColumnElement[bool]:
    return (blocks.c.workspace_id == workspace_id) & (blocks.c.user_id == user_id) & (blocks.c.blocked_id == blocked_id)


def _tell(
    connection: Connection,
    workspace_id: str,
    user_id: str,
    blocked_id: str,
    now: datetime,
    source: outbox_sql.Origin,
    *,
    is_blocked: bool,
) -> None:
    def event(pos: int) -> events.UserBlocked:
        return events.UserBlocked(
            pos=pos, user_id=user_id, blocked_id=blocked_id, is_blocked=is_blocked, workspace_id=workspace_id
        )

    outbox_sql.append(connection, user_id, event, now, source)

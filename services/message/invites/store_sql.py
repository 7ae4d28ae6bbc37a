"""Invitations in an SQL database."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, or_, select

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.message.conversations.domain import Role, check_role
from services.message.conversations.store_sql import read_member
from services.message.invites.domain import Invite, Shown, State, invalid
from services.message.invites.reads_sql import INVITE, invite_of
from services.message.tables import conversations, invites, members

_SHOWN = (
    select(*INVITE, *conversations.c["name", "member_count"])
    .join(conversations, conversations.c.id == invites.c.conversation_id)
    .where(invites.c.workspace_id == bindparam("workspace_id"), conversations.c.deleted_at.is_(None))
)
_OPEN = _SHOWN.where(
    invites.c.state == State.OPEN,
    invites.c.expires_at > bindparam("now", type_=invites.c.expires_at.type),
    or_(invites.c.max_uses == 0, invites.c.uses < invites.c.max_uses),
)
_IS_MEMBER = exists().where(
    members.c.conversation_id == invites.c.conversation_id, members.c.user_id == invites.c.user_id
)
_OF_CONVERSATION = _OPEN.where(invites.c.conversation_id == bindparam("conversation_id"))
_FOR_USER = _OPEN.where(invites.c.user_id == bindparam("user_id"), ~_IS_MEMBER)
_BY_CODE = _SHOWN.where(invites.c.code_hash == bindparam("code_hash"))
_BY_ID = select(*INVITE).where(invites.c.id == bindparam("id"), invites.c.workspace_id == bindparam("workspace_id"))


class SqlInviteStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_conversation(
        self, caller: Principal, conversation_id: str, place: Place | None, limit: int, now: datetime
    ) -> Slice[Shown]:
        def work(connection: Connection) -> Slice[Shown]:
            check_role(read_member(connection, caller, conversation_id), Role.ADMIN)
            about = {"workspace_id": caller.workspace_id, "conversation_id": conversation_id, "now": now}
            return _page(connection, _OF_CONVERSATION.params(about), place, limit)

        return await self._database.read(work)

    async def for_caller(self, caller: Principal, place: Place | None, limit: int, now: datetime) -> Slice[Shown]:
        query = _FOR_USER.params(workspace_id=caller.workspace_id, user_id=caller.user_id, now=now)
        return await self._database.read(lambda connection: _page(connection, query, place, limit))

    async def by_code(self, caller: Principal, code_hash: bytes) -> Shown:
        key = {"workspace_id": caller.workspace_id, "code_hash": code_hash}
        row = await self._database.read(lambda connection: connection.execute(_BY_CODE, key).one_or_none())
        if row is None:
            raise invalid()
        return _shown(row)

    async def by_id(self, caller: Principal, invite_id: str) -> Invite:
        key = {"workspace_id": caller.workspace_id, "id": invite_id}
        row = await self._database.read(lambda connection: connection.execute(_BY_ID, key).one_or_none())
        if row is None:
            raise invalid()
        return invite_of(row)

    async def sweep(self, now: datetime, limit: int) -> int:
        """Forgets up to `limit` invitations that have expired; answers how many."""
        expired = select(invites.c.id).where(invites.c.expires_at <= now).limit(limit)
        gone = delete(invites).where(invites.c.id.in_(expired.scalar_subquery()))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount)


def _page(connection: Connection, query: Select[Any], place: Place | None, limit: int) -> Slice[Shown]:
    found = read_slice(connection, query, (invites.c.id,), place, limit, falling=True)
    return Slice([_shown(row) for row in found.items], found.has_prev, found.has_next)


def _shown(row: Row[Any]) -> Shown:
    return Shown(invite_of(row[: len(INVITE)]), row.name, row.member_count)

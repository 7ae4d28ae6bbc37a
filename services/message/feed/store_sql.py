"""Logs of changes in an SQL database."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from services.message.command import Origin
from services.message.feed.domain import CONVERSATION_ADDED, Change, Place
from services.message.feed.own_sql import as_now
from services.message.feed.reads_sql import read_further, read_heads, read_memberships
from services.message.keys_sql import by_keys
from services.message.messages.reads_sql import of
from services.message.rows import MESSAGE, message_of
from services.message.tables import changes, conversations, members, messages, user_changes

_LOG = (
    *changes.c["workspace_id", "conversation_id", "pos", "type", "actor_id", "subject_id", "at"],
    *changes.c["traceparent", "correlation_id", "body"],
)
LOGGED: Select[Any] = select(*MESSAGE, *_LOG, changes.c.id).select_from(
    changes.outerjoin(messages, messages.c.id == changes.c.message_id)
)
"""Rows for `logged_change`."""

_OF_CONVERSATIONS = LOGGED.where(changes.c.workspace_id == bindparam("workspace_id"))
_OWN = (
    select(user_changes)
    .where(
        user_changes.c.workspace_id == bindparam("workspace_id"),
        user_changes.c.user_id == bindparam("user_id"),
        user_changes.c.pos > bindparam("after"),
        user_changes.c.pos <= bindparam("upto"),
    )
    .order_by(user_changes.c.pos)
)
_JOINED = _OWN.with_only_columns(user_changes.c.conversation_id).where(user_changes.c.type == CONVERSATION_ADDED)
_IS_MEMBER = select(members.c.user_id).where(
    members.c.workspace_id == bindparam("workspace_id"),
    members.c.conversation_id == bindparam("conversation_id"),
    members.c.user_id == bindparam("user_id"),
)


_LAST_SEQ_KEY = (members.c.conversation_id,)
_LAST_SEQS = (
    select(conversations.c.id, conversations.c.last_seq)
    .join(members, members.c.conversation_id == conversations.c.id)
    .where(
        conversations.c.workspace_id == bindparam("workspace_id"),
        members.c.workspace_id == bindparam("workspace_id"),
        members.c.user_id == bindparam("user_id"),
    )
)


class SqlFeedStore:
    """Places in logs are known before they are read, which makes any page one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heads(self, caller: Principal) -> Place:
        workspace_id, user_id = caller.workspace_id, caller.user_id
        return await self._database.read(lambda connection: read_heads(connection, workspace_id, (user_id,))[user_id])

    async def joined(self, caller: Principal, after: int, upto: int) -> set[str]:
        span = {**of(caller), "after": after, "upto": upto}
        return await self._database.read(lambda connection: set(connection.scalars(_JOINED, span)))

    async def changes(self, caller: Principal, places: Sequence[tuple[str, int]]) -> list[Change]:
        if not places:
            return []
        key, workspace_id = (changes.c.conversation_id, changes.c.pos), caller.workspace_id
        rows = await self._database.read(
            lambda connection: by_keys(connection, _OF_CONVERSATIONS, key, places, workspace_id=workspace_id)
        )
        found = {(change.conversation_id, change.pos): change for change in map(logged_change, rows)}
        return [found[place] for place in places]

    async def user_changes(self, caller: Principal, after: int, upto: int) -> list[Change]:
        span = {**of(caller), "after": after, "upto": upto}

        def work(connection: Connection) -> list[Change]:
            return as_now(connection, [own_change(row) for row in connection.execute(_OWN, span)])

        return await self._database.read(work)

    async def last_seqs(self, caller: Principal, conversation_ids: Sequence[str]) -> dict[str, int]:
        def work(connection: Connection) -> dict[str, int]:
            keys = [(id_,) for id_ in conversation_ids]
            rows = by_keys(connection, _LAST_SEQS, _LAST_SEQ_KEY, keys, **of(caller))
            return {row.id: row.last_seq for row in rows}

        return await self._database.read(work)

    async def is_member(self, caller: Principal, conversation_id: str) -> bool:
        key = of(caller, conversation_id=conversation_id)
        return await self._database.read(lambda connection: connection.scalar(_IS_MEMBER, key)) is not None

    async def further(
        self, positions: Mapping[str, int], user_positions: Mapping[str, int]
    ) -> tuple[dict[str, int], dict[str, int]]:
        return await self._database.read(lambda connection: read_further(connection, positions, user_positions))

    async def memberships(self, user_ids: Sequence[str]) -> dict[str, tuple[int, set[str]]]:
        return await self._database.read(lambda connection: read_memberships(connection, user_ids))


def logged_change(row: Row[Any]) -> Change:
    """A row of `LOGGED` as the change it tells of."""
    message = message_of(row) if row[0] is not None else None
    workspace_id, conversation_id, pos, kind, actor_id, subject_id, at, *call, body = row[len(MESSAGE) : -1]
    traceparent, correlation_id = call
    origin = Origin(actor_id, workspace_id, correlation_id, traceparent)
    return Change(kind, conversation_id, origin, at, pos=pos, message=message, body=body, subject_id=subject_id)


def own_change(row: Row[Any]) -> Change:
    """A row of `user_changes` as the change it tells of."""
    origin = Origin(row.actor_id, row.workspace_id, row.correlation_id, row.traceparent)
    about = {"body": row.body, "user_id": row.user_id, "user_pos": row.pos}
    return Change(row.type, row.conversation_id, origin, row.at, **about)

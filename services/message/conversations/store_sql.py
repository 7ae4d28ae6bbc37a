"""Conversations and members in an SQL database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, literal_column, not_, select

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import by_moment, read_slice
from mesh.page import Place, Slice
from mesh.schema import EPOCH
from services.message.conversations import domain
from services.message.conversations.domain import Filter, Member, Visibility
from services.message.conversations.reads_sql import UNREAD, first_members, unread_counts
from services.message.conversations.store import Listed, View
from services.message.keys_sql import by_keys
from services.message.messages.reads_sql import of
from services.message.rows import CONVERSATION, MEMBER, MESSAGE, conversation_of, member_of, message_of
from services.message.tables import conversations, members, messages

_MINE = (
    select(*CONVERSATION, *MEMBER)
    .join(members, members.c.conversation_id == conversations.c.id)
    .where(
        conversations.c.workspace_id == bindparam("workspace_id"),
        members.c.workspace_id == bindparam("workspace_id"),
        members.c.user_id == bindparam("user_id"),
    )
)
_ONE = _MINE.where(conversations.c.id == bindparam("id"))
_IS_HIDDEN = members.c.hidden_seq >= conversations.c.last_seq
_KEPT: Mapping[Filter, Select[Any]] = {
    Filter.ALL: _MINE.where(not_(_IS_HIDDEN)),
    Filter.UNREAD: _MINE.where(conversations.c.last_seq > members.c.last_read_seq, UNREAD > 0),
    Filter.MUTED: _MINE.where(members.c.muted_until > bindparam("now", type_=members.c.muted_until.type)),
    Filter.FAVOURITE: _MINE.where(members.c.favourite),
    Filter.ARCHIVED: _MINE.where(conversations.c.archived_at.is_not(None)),
    Filter.HIDDEN: _MINE.where(_IS_HIDDEN),
}
# Not a bound value: it has to be seen that the partial index fits.
_CHANNELS = (
    select(*CONVERSATION, members.c.user_id)
    .outerjoin(
        members,
        and_(members.c.conversation_id == conversations.c.id, members.c.user_id == bindparam("user_id")),
    )
    .where(
        conversations.c.workspace_id == bindparam("workspace_id"),
        conversations.c.visibility == literal_column(str(int(Visibility.PUBLIC))),
        conversations.c.archived_at.is_(None),
        conversations.c.deleted_at.is_(None),
    )
)
_LAST_MESSAGES = select(*MESSAGE).where(messages.c.workspace_id == bindparam("workspace_id"))
_MEMBERS = select(*MEMBER).where(
    members.c.workspace_id == bindparam("workspace_id"), members.c.conversation_id == bindparam("id")
)
_IS_MEMBER = _MEMBERS.where(members.c.user_id == bindparam("user_id"))


class SqlConversationStore:
    """A page costs the same few statements however long it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Principal, conversation_id: str) -> View:
        def work(connection: Connection) -> View:
            rows = connection.execute(_ONE, of(caller, id=conversation_id)).all()
            if not rows:
                raise domain.not_found()
            return _views(connection, caller, rows)[0]

        return await self._database.read(work)

    async def some(self, caller: Principal, conversation_ids: Sequence[str]) -> list[View]:
        def work(connection: Connection) -> list[View]:
            keys = [(id_,) for id_ in conversation_ids]
            rows = by_keys(connection, _MINE, (members.c.conversation_id,), keys, **of(caller))
            return _views(connection, caller, rows)

        return await self._database.read(work)

    async def page(
        self,
        caller: Principal,
        place: Place | None,
        limit: int,
        kept: Filter = Filter.ALL,
        now: datetime = EPOCH,
    ) -> Slice[View]:
        def work(connection: Connection) -> Slice[View]:
            query = _KEPT[kept].params(**of(caller), now=now)
            found = read_slice(connection, query, (members.c.conversation_id,), place, limit, falling=True)
            return Slice(_views(connection, caller, found.items), found.has_prev, found.has_next)

        return await self._database.read(work)

    async def channels(self, caller: Principal, q: str, place: Place | None, limit: int) -> Slice[Listed]:
        def work(connection: Connection) -> Slice[Listed]:
            query = (
                _CHANNELS.where(conversations.c.name_key.startswith(q.casefold(), autoescape=True)) if q else _CHANNELS
            )
            found = read_slice(connection, query.params(of(caller)), (conversations.c.id,), place, limit, falling=True)
            items = [Listed(conversation_of(row[:-1]), row[-1] is not None) for row in found.items]
            return Slice(items, found.has_prev, found.has_next)

        return await self._database.read(work)

    async def members(self, caller: Principal, conversation_id: str, place: Place | None, limit: int) -> Slice[Member]:
        def work(connection: Connection) -> Slice[Member]:
            read_member(connection, caller, conversation_id)
            query = _MEMBERS.params(workspace_id=caller.workspace_id, id=conversation_id)
            found = read_slice(connection, query, (members.c.joined_at, members.c.user_id), by_moment(place), limit)
            return Slice([member_of(row) for row in found.items], found.has_prev, found.has_next)

        return await self._database.read(work)


def read_member(connection: Connection, caller: Principal, conversation_id: str) -> Member:
    """The caller's part in a conversation. Raises NotFound (CONVERSATION_NOT_FOUND)."""
    row = connection.execute(_IS_MEMBER, of(caller, id=conversation_id)).first()
    if row is None:
        raise domain.not_found()
    return member_of(row)


def _views(connection: Connection, caller: Principal, rows: Sequence[Row[Any]]) -> list[View]:
    workspace_id = caller.workspace_id
    mine = [(conversation_of(row[: len(CONVERSATION)]), member_of(row[len(CONVERSATION) :])) for row in rows]
    ids = [conversation.id for conversation, _ in mine]
    last = [(conversation.id, conversation.last_seq) for conversation, _ in mine if conversation.last_seq]
    key = (messages.c.conversation_id, messages.c.seq)
    found = by_keys(connection, _LAST_MESSAGES, key, last, workspace_id=workspace_id)
    last_messages = {row.conversation_id: message_of(row) for row in found}
    shown = first_members(connection, workspace_id, ids)
    unread = unread_counts(connection, workspace_id, caller.user_id, ids)
    return [
        View(
            conversation=conversation,
            members=shown[conversation.id],
            my=my,
            last_message=last_messages.get(conversation.id),
            unread_count=unread[conversation.id].unread,
            mention_count=unread[conversation.id].mentions,
        )
        for conversation, my in mine
    ]

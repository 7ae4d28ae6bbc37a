"""Messages in an SQL database."""

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from services.message.conversations import domain as conversation_rules
from services.message.messages import domain
from services.message.messages.domain import Message
from services.message.messages.store import Span
from services.message.rows import MESSAGE, message_of
from services.message.tables import conversations, members, messages

_VISIBLE = (
    select(*MESSAGE)
    .join(members, members.c.conversation_id == messages.c.conversation_id)
    .where(
        messages.c.workspace_id == bindparam("workspace_id"),
        members.c.workspace_id == bindparam("workspace_id"),
        messages.c.id == bindparam("id"),
        members.c.user_id == bindparam("user_id"),
    )
)
_LAST_SEQ = (
    select(conversations.c.last_seq)
    .join(members, members.c.conversation_id == conversations.c.id)
    .where(
        conversations.c.workspace_id == bindparam("workspace_id"),
        members.c.workspace_id == bindparam("workspace_id"),
        conversations.c.id == bindparam("id"),
        members.c.user_id == bindparam("user_id"),
    )
)
_SPAN = (
    select(*MESSAGE)
    .where(
        messages.c.workspace_id == bindparam("workspace_id"),
        messages.c.conversation_id == bindparam("id"),
        messages.c.seq > bindparam("after"),
        messages.c.seq <= bindparam("upto"),
    )
    .order_by(messages.c.seq)
)


class SqlMessageStore:
    """Numbers have no gaps, so the ends of a span are known before it is read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Principal, message_id: str) -> Message:
        def work(connection: Connection) -> Message:
            row = connection.execute(_VISIBLE, _key(caller, message_id)).one_or_none()
            if row is None:
                raise domain.not_found()
            return message_of(row)

        return await self._database.read(work)

    async def before(self, caller: Principal, conversation_id: str, seq: int | None, limit: int) -> Span:
        def work(connection: Connection) -> Span:
            key = _key(caller, conversation_id)
            last_seq = _last_seq(connection, key)
            upto = last_seq if seq is None else min(seq - 1, last_seq)
            return _span(connection, key, (upto - limit, upto), last_seq)

        return await self._database.read(work)

    async def after(self, caller: Principal, conversation_id: str, seq: int, limit: int) -> Span:
        def work(connection: Connection) -> Span:
            key = _key(caller, conversation_id)
            last_seq = _last_seq(connection, key)
            return _span(connection, key, (seq, seq + limit), last_seq)

        return await self._database.read(work)


def _key(caller: Principal, id_: str) -> dict[str, str]:
    return {"workspace_id": caller.workspace_id, "user_id": caller.user_id, "id": id_}


def _last_seq(connection: Connection, key: dict[str, str]) -> int:
    last_seq: int | None = connection.scalar(_LAST_SEQ, key)
    if last_seq is None:
        raise conversation_rules.not_found()
    return last_seq


def _span(connection: Connection, key: dict[str, str], ends: tuple[int, int], last_seq: int) -> Span:
    after, upto = ends[0], min(ends[1], last_seq)
    where = {"workspace_id": key["workspace_id"], "id": key["id"], "after": after, "upto": upto}
    rows = connection.execute(_SPAN, where)
    return Span([message_of(row) for row in rows], last_seq)

"""Messages in an SQL database."""

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from services.message.conversations import domain as conversation_rules
from services.message.messages import domain
from services.message.messages.domain import Message
from services.message.messages.store import Span
from services.message.rows import MESSAGE, message_of
from services.message.tables import conversations, members, messages

_VISIBLE = (
    select(*MESSAGE)
    .join(members, members.c.conversation_id == messages.c.conversation_id)
    .where(messages.c.id == bindparam("id"), members.c.user_id == bindparam("user_id"))
)
_LAST_SEQ = (
    select(conversations.c.last_seq)
    .join(members, members.c.conversation_id == conversations.c.id)
    .where(conversations.c.id == bindparam("id"), members.c.user_id == bindparam("user_id"))
)
_SPAN = (
    select(*MESSAGE)
    .where(
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

    async def get(self, user_id: str, message_id: str) -> Message:
        def work(connection: Connection) -> Message:
            row = connection.execute(_VISIBLE, {"id": message_id, "user_id": user_id}).one_or_none()
            if row is None:
                raise domain.not_found()
            return message_of(row)

        return await self._database.read(work)

    async def before(self, user_id: str, conversation_id: str, seq: int | None, limit: int) -> Span:
        def work(connection: Connection) -> Span:
            last_seq = _last_seq(connection, user_id, conversation_id)
            upto = last_seq if seq is None else min(seq - 1, last_seq)
            return _span(connection, conversation_id, (upto - limit, upto), last_seq)

        return await self._database.read(work)

    async def after(self, user_id: str, conversation_id: str, seq: int, limit: int) -> Span:
        def work(connection: Connection) -> Span:
            last_seq = _last_seq(connection, user_id, conversation_id)
            return _span(connection, conversation_id, (seq, seq + limit), last_seq)

        return await self._database.read(work)


def _last_seq(connection: Connection, user_id: str, conversation_id: str) -> int:
    last_seq: int | None = connection.scalar(_LAST_SEQ, {"id": conversation_id, "user_id": user_id})
    if last_seq is None:
        raise conversation_rules.not_found()
    return last_seq


def _span(connection: Connection, conversation_id: str, ends: tuple[int, int], last_seq: int) -> Span:
    rows = connection.execute(_SPAN, {"id": conversation_id, "after": ends[0], "upto": min(ends[1], last_seq)})
    return Span([message_of(row) for row in rows], last_seq)

"""Messages in an SQL database."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, literal_column, select

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.message.messages.domain import Message, Version
from services.message.messages.reads_sql import VISIBLE, of, one_visible, read_last_seq
from services.message.messages.store import Span
from services.message.rows import MESSAGE, message_of
from services.message.tables import message_versions, messages

_SOME_VISIBLE = VISIBLE.where(messages.c.id.in_(bindparam("ids", expanding=True)))
# The empty text is no bound value: it has to be seen that the partial index fits.
_REPLIES = select(*MESSAGE).where(
    messages.c.workspace_id == bindparam("workspace_id"),
    messages.c.thread_root == bindparam("id"),
    messages.c.thread_root != literal_column("''"),
)
_VERSIONS = select(*message_versions.c["version", "text", "html", "at"]).where(
    message_versions.c.workspace_id == bindparam("workspace_id"), message_versions.c.message_id == bindparam("id")
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
        return await self._database.read(lambda connection: one_visible(connection, caller, message_id))

    async def some(self, caller: Principal, message_ids: Collection[str]) -> Mapping[str, Message]:
        asked = {**of(caller), "ids": list(message_ids)}
        rows = await self._database.read(lambda connection: connection.execute(_SOME_VISIBLE, asked).all())
        return {message.id: message for message in map(message_of, rows)}

    async def before(self, caller: Principal, conversation_id: str, seq: int | None, limit: int) -> Span:
        def work(connection: Connection) -> Span:
            last_seq = read_last_seq(connection, caller, conversation_id)
            upto = last_seq if seq is None else min(seq - 1, last_seq)
            return _span(connection, caller, conversation_id, (upto - limit, upto), last_seq)

        return await self._database.read(work)

    async def after(self, caller: Principal, conversation_id: str, seq: int, limit: int) -> Span:
        def work(connection: Connection) -> Span:
            last_seq = read_last_seq(connection, caller, conversation_id)
            return _span(connection, caller, conversation_id, (seq, seq + limit), last_seq)

        return await self._database.read(work)

    async def around(self, caller: Principal, conversation_id: str, seq: int, limit: int) -> Span:
        def work(connection: Connection) -> Span:
            last_seq = read_last_seq(connection, caller, conversation_id)
            after = max(min(seq, last_seq) - limit // 2 - 1, 0)
            return _span(connection, caller, conversation_id, (after, after + limit), last_seq)

        return await self._database.read(work)

    async def replies(self, caller: Principal, root_id: str, place: Place | None, limit: int) -> Slice[Message]:
        def work(connection: Connection) -> Slice[Message]:
            root = one_visible(connection, caller, root_id)
            query = _REPLIES.params(workspace_id=root.workspace_id, id=root.id)
            found = read_slice(connection, query, (messages.c.seq,), place, limit)
            return Slice([message_of(row) for row in found.items], found.has_prev, found.has_next)

        return await self._database.read(work)

    async def versions(self, caller: Principal, message_id: str, place: Place | None, limit: int) -> Slice[Version]:
        def work(connection: Connection) -> Slice[Version]:
            message = one_visible(connection, caller, message_id)
            if message.deleted_at is not None:
                return Slice([], has_prev=False, has_next=False)
            return _versions(connection, message, place, limit)

        return await self._database.read(work)


def _versions(connection: Connection, message: Message, place: Place | None, limit: int) -> Slice[Version]:
    """The present version stands with the message, the others in a table: it comes before them."""
    present = Version(message.version, message.text, message.html, message.edited_at or message.created_at)
    is_first = place is None or (place.back and place.key[0] < present.version)
    query = _VERSIONS.params(workspace_id=message.workspace_id, id=message.id)
    room = limit - 1 if place is None else limit
    found = read_slice(connection, query, (message_versions.c.version,), place, room, falling=True)
    earlier = [Version(row.version, row.text, row.html, row.at) for row in found.items]
    if is_first and len(earlier) < limit:
        return Slice([present, *earlier], has_prev=False, has_next=found.has_next)
    return Slice(earlier, has_prev=is_first or not (place is not None and place.back), has_next=found.has_next)


def _span(
    connection: Connection, caller: Principal, conversation_id: str, ends: tuple[int, int], last_seq: int
) -> Span:
    after, upto = ends[0], min(ends[1], last_seq)
    where = {"workspace_id": caller.workspace_id, "id": conversation_id, "after": after, "upto": upto}
    rows = connection.execute(_SPAN, where)
    return Span([message_of(row) for row in rows], last_seq)

"""Marks in an SQL database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.message.conversations.domain import Member
from services.message.conversations.domain import not_found as conversation_not_found
from services.message.conversations.reads_sql import unread_counts
from services.message.messages.domain import Message
from services.message.messages.domain import not_found as message_not_found
from services.message.messages.reads_sql import VISIBLE, of
from services.message.reading import domain
from services.message.reading.domain import ThreadMark, Unread
from services.message.reading.reads_sql import thread_mark, thread_unread
from services.message.rows import MEMBER, member_of, message_of
from services.message.tables import conversations, members, messages

_COUNTED = 1_000
"""Conversations counted by one statement."""
_MEMBERS = select(*MEMBER).where(
    members.c.workspace_id == bindparam("workspace_id"), members.c.conversation_id == bindparam("id")
)
_IS_MEMBER = _MEMBERS.where(members.c.user_id == bindparam("user_id"))
# Those with a message after the mark, deleted or not; which of them is unread is counted then.
_BEHIND = (
    select(members.c.conversation_id, members.c.last_read_seq)
    .join(conversations, conversations.c.id == members.c.conversation_id)
    .where(
        members.c.workspace_id == bindparam("workspace_id"),
        conversations.c.workspace_id == bindparam("workspace_id"),
        members.c.user_id == bindparam("user_id"),
        members.c.last_read_seq < conversations.c.last_seq,
        members.c.hidden_seq < conversations.c.last_seq,
    )
    .order_by(members.c.conversation_id.desc())
)
_ROOT = VISIBLE.where(messages.c.id == bindparam("id"))


class SqlReadingStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def receipts(self, caller: Principal, conversation_id: str, place: Place | None, limit: int) -> Slice[Member]:
        def work(connection: Connection) -> Slice[Member]:
            if connection.execute(_IS_MEMBER, of(caller, id=conversation_id)).first() is None:
                raise conversation_not_found()
            query = _MEMBERS.params(workspace_id=caller.workspace_id, id=conversation_id)
            found = read_slice(connection, query, (members.c.joined_at, members.c.user_id), _at(place), limit)
            return Slice([member_of(row) for row in found.items], found.has_prev, found.has_next)

        return await self._database.read(work)

    async def unread(self, caller: Principal) -> Sequence[Unread]:
        def work(connection: Connection) -> list[Unread]:
            rows = connection.execute(_BEHIND, of(caller))
            marks: dict[str, int] = {row.conversation_id: row.last_read_seq for row in rows}
            ids, found = list(marks), list[Unread]()
            for start in range(0, len(ids), _COUNTED):
                some = ids[start : start + _COUNTED]
                counts = unread_counts(connection, caller.workspace_id, caller.user_id, some)
                found += [Unread(id_, marks[id_], counts[id_]) for id_ in some if counts[id_].unread]
            return found

        return await self._database.read(work)

    async def thread(self, caller: Principal, root_id: str) -> tuple[Message, ThreadMark]:
        def work(connection: Connection) -> tuple[Message, ThreadMark]:
            row = connection.execute(_ROOT, of(caller, id=root_id)).one_or_none()
            if row is None:
                raise message_not_found()
            root = message_of(row)
            domain.check_root(root)
            key = (caller.workspace_id, caller.user_id, root.id)
            seq = thread_mark(connection, *key) or 0
            return root, ThreadMark(root.conversation_id, root.id, seq, thread_unread(connection, *key, seq))

        return await self._database.read(work)


def _at(place: Place | None) -> Place | None:
    if place is None:
        return None
    joined_at, user_id = place.key
    return Place((datetime.fromisoformat(str(joined_at)), user_id), place.back)

"""Marks in an SQL database."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from services.message.conversations.reads_sql import unread_counts
from services.message.messages.domain import Message
from services.message.messages.reads_sql import of, one_visible
from services.message.reading import domain
from services.message.reading.domain import ThreadMark, Unread
from services.message.reading.reads_sql import thread_mark, thread_unread
from services.message.tables import conversations, members

_COUNTED = 1_000
"""Conversations counted by one statement."""
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


class SqlReadingStore:
    def __init__(self, database: Database) -> None:
        self._database = database

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
            root = one_visible(connection, caller, root_id)
            domain.check_root(root)
            key = (caller.workspace_id, caller.user_id, root.id)
            seq = thread_mark(connection, *key) or 0
            return root, ThreadMark(root.conversation_id, root.id, seq, thread_unread(connection, *key, seq))

        return await self._database.read(work)

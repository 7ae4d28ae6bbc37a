"""What was said in conversations that have ended is erased, a few rows at a time."""

from datetime import datetime

from sqlalchemy import Connection, Table, and_, bindparam, delete, exists, select, tuple_

from mesh.database import Database
from services.message.search.words_sql import drop_conversation
from services.message.tables import (
    bans,
    bookmarks,
    changes,
    conversations,
    deleted_messages,
    drafts,
    invites,
    mentions,
    message_versions,
    messages,
    pins,
    poll_votes,
    reactions,
    thread_marks,
)

_AT_ONCE = 10
_OF_MESSAGES = (message_versions, deleted_messages, mentions, reactions, poll_votes, pins, bookmarks)
_OF_CONVERSATION = (drafts, thread_marks, invites, bans, changes)
# Not before the bus has all of it: the log is what it is told from.
_ENDED = (
    select(conversations.c.id)
    .where(
        conversations.c.deleted_at.is_not(None),
        ~exists().where(
            and_(
                changes.c.conversation_id == conversations.c.id,
                changes.c.pos == conversations.c.last_pos,
                changes.c.published == 0,
            )
        ),
    )
    .order_by(conversations.c.deleted_at)
    .limit(_AT_ONCE)
    .with_for_update(skip_locked=True)  # Nothing is put into the index meanwhile, and nobody else erases the same.
)
_MESSAGES = (
    select(messages.c.id)
    .where(messages.c.conversation_id == bindparam("id"))
    .order_by(messages.c.seq)
    .limit(bindparam("count"))
)


class Erasure:
    """Reports stay: they are for the admins of the workspace. So do the own logs of those who were members."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sweep(self, now: datetime, limit: int) -> int:
        """Erases about `limit` rows; answers how many, `limit` when more are left."""
        return await self._database.write(lambda connection: _erase(connection, limit))


def _erase(connection: Connection, limit: int) -> int:
    left = limit
    for id_ in connection.scalars(_ENDED).all():
        left -= _erase_one(connection, id_, left)
        if not left:
            break
    return limit - left


def _erase_one(connection: Connection, id_: str, limit: int) -> int:
    """The conversation itself goes last, and tells until then what is left to do."""
    left = limit - _erase_messages(connection, id_, limit)
    if left:
        left -= drop_conversation(connection, id_, left)
    for table in _OF_CONVERSATION:
        if left:
            left -= _erase_rows(connection, table, id_, left)
    if left:
        connection.execute(delete(conversations).where(conversations.c.id == id_))
        left -= 1
    return limit - left


def _erase_messages(connection: Connection, id_: str, limit: int) -> int:
    ids = connection.scalars(_MESSAGES, {"id": id_, "count": limit}).all()
    if ids:
        for table in _OF_MESSAGES:
            connection.execute(delete(table).where(table.c.message_id.in_(ids)))
        connection.execute(delete(messages).where(messages.c.id.in_(ids)))
    return len(ids)


def _erase_rows(connection: Connection, table: Table, id_: str, limit: int) -> int:
    key = tuple(table.primary_key)
    some = select(*key).where(table.c.conversation_id == id_).limit(limit)
    # A single column is looked up; of several the conversation is, since rows of values would be searched for.
    gone = (
        delete(table).where(key[0].in_(some))
        if len(key) == 1
        else (delete(table).where(table.c.conversation_id == id_, tuple_(*key).in_(some)))
    )
    return connection.execute(gone).rowcount

"""The index in an SQL database, written in small transactions of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError

from mesh.database import Database
from mesh.sql.prepared import Prepared
from services.message.feed.domain import MESSAGE_DELETED, MESSAGE_NEW, MESSAGE_UPDATED
from services.message.keys_sql import by_keys
from services.message.rows import MESSAGE, message_of
from services.message.search.entries import Entry, entry_of
from services.message.search.index import Key
from services.message.search.words_sql import drop, put
from services.message.tables import changes, conversations, messages

BATCH = 200
"""Changes taken in by one transaction: while it runs SQLite writes nothing else."""

_DIRTY = (
    select(conversations.c.workspace_id, conversations.c.id)
    .where(conversations.c.id > bindparam("after"), conversations.c.indexed_pos < conversations.c.last_pos)
    .order_by(conversations.c.id)
    .limit(bindparam("count"))
)
_STANDS_KEY = tuple(conversations.c["workspace_id", "id"])
_STANDS = select(*_STANDS_KEY, *conversations.c["indexed_pos", "last_pos", "deleted_at"]).where(
    conversations.c.indexed_pos < conversations.c.last_pos
)
_CHANGED = Prepared(
    select(*MESSAGE)
    .join(changes, changes.c.message_id == messages.c.id)
    .where(
        changes.c.workspace_id == bindparam("workspace_id"),
        changes.c.conversation_id == bindparam("id"),
        changes.c.pos > bindparam("after"),
        changes.c.pos <= bindparam("upto"),
        or_(*[changes.c.type == kind for kind in (MESSAGE_NEW, MESSAGE_UPDATED, MESSAGE_DELETED)]),
    )
)
_MOVE = Prepared(
    update(conversations)
    .where(
        conversations.c.workspace_id == bindparam("workspace"),
        conversations.c.id == bindparam("key"),
        conversations.c.indexed_pos == bindparam("before"),
    )
    .values(indexed_pos=bindparam("upto")),
    [],
)


@dataclass(frozen=True, slots=True)
class _Step:
    """What a span of a log comes to: messages as they are now."""

    key: Key
    before: int
    upto: int
    entries: Sequence[Entry] = ()
    gone: Sequence[str] = ()


class _Overtaken(Exception):
    """Another process has taken it in meanwhile."""


class SqlIndex:
    """Several processes may write it: whoever finds that another was faster begins again from there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def dirty(self, after: str, limit: int) -> Sequence[Key]:
        values = {"after": after, "count": limit}
        rows = await self._database.read(lambda connection: connection.execute(_DIRTY, values).all())
        return [(workspace_id, id_) for workspace_id, id_ in rows]

    async def advance(self, keys: Sequence[Key]) -> Sequence[Key]:
        steps, left = await self._database.read(lambda connection: _read(connection, keys))
        if not steps:
            return []
        try:
            await self._database.write(lambda connection: _write(connection, steps))
        except (_Overtaken, IntegrityError):
            return keys
        return left


def _read(connection: Connection, keys: Sequence[Key]) -> tuple[list[_Step], list[Key]]:
    """The next steps, and the conversations of which more is left then."""
    room, steps, left = BATCH, list[_Step](), list[Key]()
    for row in by_keys(connection, _STANDS, _STANDS_KEY, list(keys)):
        key = (row.workspace_id, row.id)
        if row.deleted_at is not None:  # What is in the index goes when the conversation is erased.
            steps.append(_Step(key, row.indexed_pos, row.last_pos))
            continue
        upto = min(row.last_pos, row.indexed_pos + room)
        if upto < row.last_pos:
            left.append(key)
        if upto > row.indexed_pos:
            steps.append(_step(connection, key, row.indexed_pos, upto))
            room -= upto - row.indexed_pos
    return steps, left


def _step(connection: Connection, key: Key, before: int, upto: int) -> _Step:
    span = {"workspace_id": key[0], "id": key[1], "after": before, "upto": upto}
    found = {message.id: message for message in map(message_of, _CHANGED.rows(connection, span))}
    entries = [entry_of(message) for message in found.values() if message.deleted_at is None]
    gone = [message.id for message in found.values() if message.deleted_at is not None]
    return _Step(key, before, upto, entries, gone)


def _write(connection: Connection, steps: Sequence[_Step]) -> None:
    put(connection, [entry for step in steps for entry in step.entries])
    drop(connection, [id_ for step in steps for id_ in step.gone])
    # Last, since from here on nobody can write into these conversations; and in the order in which writers lock them.
    for step in sorted(steps, key=lambda step: step.key[1]):
        values = {"workspace": step.key[0], "key": step.key[1], "before": step.before, "upto": step.upto}
        if not _MOVE.run(connection, (values,)):
            raise _Overtaken

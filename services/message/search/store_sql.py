"""The search in an SQL database."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from services.message.keys_sql import by_keys
from services.message.messages.reads_sql import VISIBLE, of
from services.message.rows import message_of
from services.message.search.domain import Question, passes
from services.message.search.entries import first_id, last_id
from services.message.search.store import Finds, Found
from services.message.search.words_sql import find
from services.message.tables import conversations, members, messages

MAX_PARTS = 2_000
"""Words that one statement looks up, counted once for each conversation."""
MIN_ID, MAX_ID = -(1 << 63), (1 << 63) - 1

_MINE = (
    select(conversations.c.id, conversations.c.indexed_pos < conversations.c.last_pos)
    .join(members, members.c.conversation_id == conversations.c.id)
    .where(
        conversations.c.workspace_id == bindparam("workspace_id"),
        members.c.workspace_id == bindparam("workspace_id"),
        members.c.user_id == bindparam("user_id"),
    )
)
_ONE_OF_MINE = _MINE.where(conversations.c.id == bindparam("id"))


class SqlSearchStore:
    """What was found in the index is read as it is now, by the rights of now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, caller: Principal, question: Question, before: int | None, limit: int) -> Finds:
        return await self._database.read(lambda connection: _find(connection, caller, question, before, limit))


def _find(connection: Connection, caller: Principal, question: Question, before: int | None, limit: int) -> Finds:
    one = question.conversation_id
    rows = connection.execute(_ONE_OF_MINE if one else _MINE, of(caller, id=one) if one else of(caller)).all()
    mine, indexing = [row[0] for row in rows], any(row[1] for row in rows)
    low = first_id(question.after) if question.after else MIN_ID
    high = min(last_id(question.before) if question.before else MAX_ID, MAX_ID if before is None else before - 1)
    found: list[Found] = []
    while len(found) <= limit:
        some = _some(connection, caller, question, mine, (low, high), limit + 1)
        found += _readable(connection, caller, question, some)
        if len(some) <= limit:
            break
        high = some[-1][0] - 1
    return Finds(found[:limit], len(found) > limit, indexing)


def _some(
    connection: Connection,
    caller: Principal,
    question: Question,
    mine: Sequence[str],
    ids: tuple[int, int],
    count: int,
) -> list[tuple[int, str]]:
    """The highest finds of some conversations, however many these are."""
    step = max(1, MAX_PARTS // sum(len(term.tokens) for term in question.terms))
    found: list[tuple[int, str]] = []
    for start in range(0, len(mine), step):
        found += find(connection, question, mine[start : start + step], caller.user_id, ids, count)
    return sorted(found, reverse=True)[:count]


def _readable(
    connection: Connection, caller: Principal, question: Question, found: Sequence[tuple[int, str]]
) -> list[Found]:
    """Those that are there still, and are the caller's to read."""
    keys = [(message_id,) for _, message_id in found]
    rows = by_keys(connection, VISIBLE, (messages.c.id,), keys, **of(caller))
    there = {message.id: message for message in map(message_of, rows)}
    return [
        Found(id_, there[message_id])
        for id_, message_id in found
        if message_id in there and there[message_id].deleted_at is None and passes(there[message_id], question)
    ]

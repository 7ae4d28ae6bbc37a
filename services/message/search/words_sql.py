"""The index of words in an SQL database: FTS5 in SQLite, a text-search vector in PostgreSQL.

Both keep words as they are given and know nothing of languages, so that they find alike.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, text

from mesh.sql.prepared import Prepared
from services.message.keys_sql import by_keys
from services.message.search.domain import Question
from services.message.search.entries import Entry, asked_marks, asked_words, scope_of
from services.message.tables import search_entries

_KNOWN, _KNOWN_KEY = select(search_entries.c.message_id, search_entries.c.id), (search_entries.c.message_id,)
_TAKEN, _TAKEN_KEY = select(search_entries.c.id), (search_entries.c.id,)
_OF_CONVERSATION = (
    select(search_entries.c.id).where(search_entries.c.conversation_id == bindparam("id")).limit(bindparam("count"))
)
_DROP = delete(search_entries).where(search_entries.c.id.in_(bindparam("ids", expanding=True)))
_INSERT = Prepared(insert(search_entries), [column.name for column in search_entries.c])
_PUT_WORDS = {
    "sqlite": Prepared(text("INSERT OR REPLACE INTO search_words (rowid, words) VALUES (:id, :words)")),
    "postgresql": Prepared(
        text(
            "INSERT INTO search_words (id, words) VALUES (:id, CAST(:words AS tsvector)) "
            "ON CONFLICT (id) DO UPDATE SET words = excluded.words"
        )
    ),
}
_DROP_WORDS = {
    "sqlite": text("DELETE FROM search_words WHERE rowid = :id"),
    "postgresql": text("DELETE FROM search_words WHERE id = :id"),
}
_MENTIONS_ME = (
    " AND EXISTS (SELECT 1 FROM search_entries e JOIN messages said ON said.id = e.message_id WHERE e.id = {id} AND"
    " (said.mentions_all OR EXISTS (SELECT 1 FROM mentions n WHERE n.message_id = said.id AND n.user_id = :user_id)))"
)
_NO_JIT = text("SET LOCAL jit = off")
_FIND = {
    # The table of words comes first: it is read in the order of its ids, from the last one down.
    "sqlite": (
        "SELECT e.id, e.message_id FROM search_words w CROSS JOIN search_entries e ON e.id = w.rowid"
        " WHERE w.search_words MATCH :asked AND w.rowid BETWEEN :low AND :high{more}"
        " ORDER BY w.rowid DESC LIMIT :count",
        _MENTIONS_ME.format(id="w.rowid"),
    ),
    # Each conversation by itself. What matches is found first, and sorted then, or it would be looked for among all
    # that is newer; and `+ 0` keeps the database from reading all that is of that time instead.
    "postgresql": (
        "WITH found AS MATERIALIZED (SELECT w.id FROM unnest(CAST(:asked AS tsquery[])) asked CROSS JOIN LATERAL"
        " (SELECT m.id FROM (SELECT id FROM search_words WHERE words @@ asked AND id + 0 BETWEEN :low AND :high"
        " OFFSET 0) m WHERE true{more} ORDER BY m.id DESC LIMIT :count) w ORDER BY w.id DESC LIMIT :count)"
        " SELECT e.id, e.message_id FROM found JOIN search_entries e ON e.id = found.id ORDER BY e.id DESC",
        _MENTIONS_ME.format(id="m.id"),
    ),
}


def put(connection: Connection, entries: Sequence[Entry]) -> None:
    """Keeps entries, in place of what there is of the same messages."""
    if not entries:
        return
    known = _known(connection, [entry.message_id for entry in entries])
    new = _numbered(connection, [entry for entry in entries if entry.message_id not in known])
    if new:
        _INSERT.run(connection, [_row(entry, id_) for entry, id_ in new])
    ids = known | {entry.message_id: id_ for entry, id_ in new}
    write = _fts if _kind(connection) == "sqlite" else _vector
    values = [{"id": ids[entry.message_id], "words": write(entry.lexemes)} for entry in entries]
    _PUT_WORDS[_kind(connection)].run(connection, values)


def drop(connection: Connection, message_ids: Sequence[str]) -> None:
    """Forgets messages."""
    if message_ids:
        _drop(connection, list(_known(connection, message_ids).values()))


def drop_conversation(connection: Connection, conversation_id: str, limit: int) -> int:
    """Forgets up to `limit` messages of a conversation; answers how many."""
    ids = list(connection.scalars(_OF_CONVERSATION, {"id": conversation_id, "count": limit}))
    _drop(connection, ids)
    return len(ids)


def find(
    connection: Connection,
    question: Question,
    conversation_ids: Iterable[str],
    user_id: str,
    ids: tuple[int, int],
    count: int,
) -> list[tuple[int, str]]:
    """Id of entry and message of those that were found between two ids, both included; the highest first."""
    kind = _kind(connection)
    asked: Callable[..., Any] = _fts_query if kind == "sqlite" else _ts_queries
    values: dict[str, Any] = {
        "asked": asked(question, [scope_of(id_) for id_ in conversation_ids]),
        "low": ids[0],
        "high": ids[1],
        "count": count,
    }
    query, mentions_me = _FIND[kind]
    statement = text(query.format(more=mentions_me if question.mentions_me else ""))
    if question.mentions_me:
        values["user_id"] = user_id
    if kind == "postgresql":  # What it guesses of so many conversations is worth compiling, what there is is not.
        connection.execute(_NO_JIT)
    return [(id_, message_id) for id_, message_id in connection.execute(statement, values)]


def _kind(connection: Connection) -> str:
    return connection.dialect.name


def _known(connection: Connection, message_ids: Sequence[str]) -> dict[str, int]:
    keys = [(message_id,) for message_id in message_ids]
    return {row.message_id: row.id for row in by_keys(connection, _KNOWN, _KNOWN_KEY, keys)}


def _numbered(connection: Connection, entries: Sequence[Entry]) -> list[tuple[Entry, int]]:
    """Each with an id that is free: the one it wants, or the next one."""
    taken = _taken(connection, [entry.wanted_id for entry in entries])
    found: list[tuple[Entry, int]] = []
    for entry in entries:
        id_ = entry.wanted_id
        while id_ in taken or (id_ != entry.wanted_id and _taken(connection, [id_])):
            id_ += 1
        taken.add(id_)
        found.append((entry, id_))
    return found


def _taken(connection: Connection, ids: Sequence[int]) -> set[int]:
    return {row.id for row in by_keys(connection, _TAKEN, _TAKEN_KEY, [(id_,) for id_ in ids])}


def _row(entry: Entry, id_: int) -> dict[str, Any]:
    return {
        "id": id_,
        "message_id": entry.message_id,
        "workspace_id": entry.workspace_id,
        "conversation_id": entry.conversation_id,
    }


def _drop(connection: Connection, ids: list[int]) -> None:
    if ids:
        connection.execute(_DROP_WORDS[_kind(connection)], [{"id": id_} for id_ in ids])
        connection.execute(_DROP, {"ids": ids})


def _fts(lexemes: Iterable[str]) -> str:
    return " ".join(lexemes)


def _vector(lexemes: Iterable[str]) -> str:
    return " ".join(f"'{lexeme}':{position}" for position, lexeme in zip(count(1), lexemes, strict=False))


def _fts_query(question: Question, scopes: Iterable[str]) -> str:
    """Nothing of it is the asker's but letters and digits inside of quotation marks."""

    def of(scope: str) -> str:
        phrases = [
            f'"{" ".join(scope + word for word in asked_words(term))}"{" *" if term.is_open else ""}'
            for term in question.terms
        ]
        return "(" + " AND ".join([*phrases, *[f'"{scope}{mark}"' for mark in asked_marks(question)]]) + ")"

    return " OR ".join(map(of, scopes))


def _ts_queries(question: Question, scopes: Iterable[str]) -> list[str]:
    """One for each scope; as above, inside of apostrophes."""

    def of(scope: str) -> str:
        phrases = []
        for term in question.terms:
            quoted = [f"'{scope}{word}'" for word in asked_words(term)]
            phrases.append(f"({' <-> '.join(quoted)}{':*' if term.is_open else ''})")
        return " & ".join([*phrases, *[f"'{scope}{mark}'" for mark in asked_marks(question)]])

    return list(map(of, scopes))

"""One transaction of the journal: the conversations it has locked, and the changes it is going to write."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from mesh.errors import Error
from services.message.command import Origin
from services.message.conversations.domain import Conversation, Member
from services.message.feed.domain import Change
from services.message.journal import Outcome
from services.message.keys_sql import by_keys
from services.message.rows import CONVERSATION, MEMBER, conversation_of, member_of
from services.message.tables import changes, conversations, members, user_changes, user_heads

_LOCK = (
    select(*CONVERSATION)
    .where(CONVERSATION.id.in_(bindparam("ids", expanding=True)))
    .order_by(CONVERSATION.id)
    .with_for_update()
)
_MEMBERS, _MEMBER_KEY = select(*MEMBER), (members.c.conversation_id, members.c.user_id)
_LOCK_HEADS = (
    select(user_heads.c.user_id, user_heads.c.last_pos)
    .where(user_heads.c.user_id.in_(bindparam("ids", expanding=True)))
    .order_by(user_heads.c.user_id)
    .with_for_update()
)
_UPDATE = update(conversations).where(conversations.c.id == bindparam("key"))
_MUTABLE = ("name", "topic", "updated_at", "member_count", "last_seq", "last_pos")
_UPDATE_HEAD = update(user_heads).where(user_heads.c.user_id == bindparam("key"))
_INSERT_CHANGES, _INSERT_USER_CHANGES, _INSERT_HEADS = insert(changes), insert(user_changes), insert(user_heads)


class Unit:
    """Numbers are given as changes are added; `flush` writes them. `at` is the time of everything in it."""

    def __init__(self, connection: Connection, at: datetime) -> None:
        self.connection = connection
        self.at = at
        self._conversations: dict[str, Conversation | None] = {}
        self._heads: dict[str, int] = {}
        self._new_heads: set[str] = set()
        self._touched: dict[str, Conversation] = {}
        self._touched_heads: set[str] = set()
        self._changes: list[Change] = []

    def lock(self, conversation_ids: Iterable[str]) -> None:
        """Locks conversations, in the order of their ids, until the end of the transaction."""
        if ids := sorted(set(conversation_ids) - self._conversations.keys()):
            self._conversations |= dict.fromkeys(ids)
            for row in self.connection.execute(_LOCK, {"ids": ids}):
                self._conversations[row.id] = conversation_of(row)

    def conversation(self, conversation_id: str) -> Conversation | None:
        """A conversation as this transaction has it by now, locked; None when there is none."""
        if conversation_id not in self._conversations:
            self.lock((conversation_id,))
        return self._conversations[conversation_id]

    def put(self, conversation: Conversation) -> None:
        """Keeps a new state of a conversation."""
        self._conversations[conversation.id] = self._touched[conversation.id] = conversation

    def members(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Member]:
        """Memberships by `(conversation id, user id)`, as far as they are there."""
        found = by_keys(self.connection, _MEMBERS, _MEMBER_KEY, list(keys))
        return {(row.conversation_id, row.user_id): member_of(row) for row in found}

    def change(self, kind: str, conversation: Conversation, origin: Origin, **about: Any) -> Change:
        """Adds a change to a conversation's log, numbered by `conversation.last_pos`, and keeps that state."""
        change = Change(kind, conversation.id, origin, self.at, pos=conversation.last_pos, **about)
        self.put(conversation)
        self._changes.append(change)
        return change

    def lock_heads(self, user_ids: Iterable[str]) -> None:
        """Locks the logs of users, in the order of their ids. Needed before `user_change`."""
        if ids := sorted(set(user_ids) - self._heads.keys()):
            known = dict(self.connection.execute(_LOCK_HEADS, {"ids": ids}).all())
            self._new_heads |= set(ids) - known.keys()
            self._heads |= {user_id: known.get(user_id, 0) for user_id in ids}

    def user_change(self, kind: str, user_id: str, conversation_id: str, origin: Origin, body: bytes) -> Change:
        """Adds a change to the user's own log."""
        self._heads[user_id] += 1
        self._touched_heads.add(user_id)
        pos = self._heads[user_id]
        change = Change(kind, conversation_id, origin, self.at, body=body, user_id=user_id, user_pos=pos)
        self._changes.append(change)
        return change

    def flush(self) -> None:
        """Writes everything that was added."""
        self._write(_INSERT_CHANGES, [_change_values(change) for change in self._changes if change.pos])
        self._write(_INSERT_USER_CHANGES, [_user_change_values(change) for change in self._changes if change.user_pos])
        touched = [self._touched[id_] for id_ in sorted(self._touched)]
        self._write(_UPDATE, [{"key": c.id, **{name: getattr(c, name) for name in _MUTABLE}} for c in touched])
        heads = {user_id: self._heads[user_id] for user_id in sorted(self._touched_heads)}
        new, known = heads.keys() & self._new_heads, heads.keys() - self._new_heads
        self._write(_INSERT_HEADS, [{"user_id": user_id, "last_pos": heads[user_id]} for user_id in sorted(new)])
        self._write(_UPDATE_HEAD, [{"key": user_id, "last_pos": heads[user_id]} for user_id in sorted(known)])
        self._new_heads -= new
        self._touched, self._touched_heads, self._changes = {}, set(), []

    def _write(self, statement: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(statement, rows)


Handler = Callable[[Unit, list[Any]], list[Outcome]]
"""Carries out commands of one kind that follow each other."""


def each(handle: Callable[[Unit, Any], Outcome]) -> Handler:
    """A handler that takes one command at a time. `handle` refuses by raising, before it has changed anything."""

    def run(unit: Unit, commands: list[Any]) -> list[Outcome]:
        outcomes = []
        for command in commands:
            try:
                outcomes.append(handle(unit, command))
            except Error as error:
                outcomes.append(Outcome(error=error))
        return outcomes

    return run


def advanced(conversation: Conversation, **changes: Any) -> Conversation:
    """The conversation with one more change in its log."""
    return replace(conversation, last_pos=conversation.last_pos + 1, **changes)


def _change_values(change: Change) -> dict[str, Any]:
    message = change.message
    return {
        "conversation_id": change.conversation_id,
        "pos": change.pos,
        "type": change.type,
        "seq": message.seq if message else 0,
        "message_id": message.id if message else None,
        "actor_id": change.origin.actor_id,
        "subject_id": change.subject_id,
        "at": change.at,
        "traceparent": change.origin.traceparent,
        "correlation_id": change.origin.correlation_id,
        "body": change.body,
        "published": 0,
    }


def _user_change_values(change: Change) -> dict[str, Any]:
    return {
        "user_id": change.user_id,
        "pos": change.user_pos,
        "type": change.type,
        "conversation_id": change.conversation_id,
        "actor_id": change.origin.actor_id,
        "at": change.at,
        "traceparent": change.origin.traceparent,
        "correlation_id": change.origin.correlation_id,
        "body": change.body,
    }

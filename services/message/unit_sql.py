"""One transaction of the journal: the conversations it has locked, and the changes it is going to write."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, insert, select, update

from mesh.audit.entry import Entry
from mesh.audit.log import Trail, note
from mesh.errors import Error
from mesh.sql.pipeline import pipeline
from mesh.sql.prepared import Prepared, Row
from services.message.command import Command, Origin
from services.message.conversations.domain import Conversation, Member
from services.message.feed.domain import Change
from services.message.journal import Outcome
from services.message.keys_sql import ask_by_keys
from services.message.rows import CONVERSATION, MEMBER, conversation_of, member_of
from services.message.tables import changes, conversations, members, user_changes, user_heads

C = TypeVar("C", bound=Command)

ConversationKey = tuple[str, str]
"""Workspace id and conversation id."""
MemberKey = tuple[str, str, str]
"""Workspace id, conversation id and user id."""
UserKey = tuple[str, str]
"""Workspace id and user id."""

_LOCK = select(*CONVERSATION).order_by(CONVERSATION.id).with_for_update(of=conversations)
_LOCK_KEY = tuple(conversations.c["workspace_id", "id"])
_MEMBERS, _MEMBER_KEY = select(*MEMBER), tuple(members.c["workspace_id", "conversation_id", "user_id"])
_LOCK_HEADS = (
    select(*user_heads.c["workspace_id", "user_id", "last_pos"])
    .where(
        user_heads.c.workspace_id.in_(bindparam("workspace_ids", expanding=True)),
        user_heads.c.user_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(user_heads.c.user_id)
    .with_for_update()
)
_LOCKED_AT_ONCE = 5_000
"""A statement takes no more values than some tens of thousands."""
_HEADS = ("last_seq", "last_pos")
_ALL_OF = attrgetter(*Conversation.__slots__)
_PLACES = {name: place for place, name in enumerate(Conversation.__slots__)}
_FIXED = ("id", "workspace_id", "kind", "pair", "created_by", "created_at")
_UPDATE = update(conversations).where(
    conversations.c.id == bindparam("key"), conversations.c.workspace_id == bindparam("key_workspace")
)
_MUTABLE = (*[name for name in Conversation.__slots__ if name not in _FIXED], "name_key")
_MOVE, _CHANGE = Prepared(_UPDATE, _HEADS), Prepared(_UPDATE, _MUTABLE)
_UPDATE_HEAD = Prepared(
    update(user_heads).where(
        user_heads.c.user_id == bindparam("key"), user_heads.c.workspace_id == bindparam("key_workspace")
    ),
    ["last_pos"],
)
_INSERT_CHANGES = Prepared(
    insert(changes),
    [
        *("workspace_id", "conversation_id", "pos", "type", "seq", "message_id", "actor_id", "subject_id"),
        *("at", "traceparent", "correlation_id", "body", "published"),
    ],
)
_INSERT_USER_CHANGES = Prepared(insert(user_changes), [column.name for column in user_changes.c])
_INSERT_HEADS = Prepared(insert(user_heads), [column.name for column in user_heads.c])


class Unit:
    """Numbers are given as changes are added; `flush` writes them. `at` is the time of everything in it.

    `is_heard` says whether the bus is to be told of them.
    """

    def __init__(self, connection: Connection, at: datetime, trail: Trail, *, is_heard: bool) -> None:
        self.connection = connection
        self.at = at
        self._trail = trail
        self._published = int(not is_heard)
        self._conversations: dict[ConversationKey, Conversation | None] = {}
        self._versions: dict[str, int] = {}
        """By conversation, the version that is stored."""
        self._heads: dict[UserKey, int] = {}
        self._new_heads: set[UserKey] = set()
        self._touched: dict[str, Conversation] = {}
        self._touched_heads: set[UserKey] = set()
        self._changes: list[Change] = []
        self._entries: list[Entry] = []
        self._later: list[tuple[Prepared, Sequence[Row]]] = []

    def lock(self, keys: AbstractSet[ConversationKey], ahead: Callable[[], None] = lambda: None) -> None:
        """Locks conversations, in the order of their ids, until the end of the transaction. Needed once, and first.

        `ahead` asks for what will be read next, so that it comes in the same round trip.
        """
        if keys:
            in_order = sorted(keys, key=lambda key: key[1])
            with pipeline(self.connection):
                locked = ask_by_keys(self.connection, _LOCK, _LOCK_KEY, in_order)
                ahead()
            found = map(conversation_of, locked())
            self._conversations = dict.fromkeys(keys) | {(c.workspace_id, c.id): c for c in found}
            self._versions = {c.id: c.version for c in self._conversations.values() if c is not None}

    def later(self, statement: Prepared, rows: Sequence[Row]) -> None:
        """Has rows written by `write`, at the end of the transaction in the same round trip as that."""
        if rows:
            self._later.append((statement, rows))

    def conversation(self, key: ConversationKey) -> Conversation | None:
        """One that was locked, as this transaction has it by now; None when the workspace has none of this id."""
        return self._conversations[key]

    def put(self, conversation: Conversation) -> None:
        """Keeps a new state of a conversation."""
        self._conversations[conversation.workspace_id, conversation.id] = conversation
        self._touched[conversation.id] = conversation

    def members(self, keys: Iterable[MemberKey]) -> dict[MemberKey, Member]:
        """Memberships, as far as they are there."""
        return self.ask_members(keys)()

    def ask_members(self, keys: Iterable[MemberKey]) -> Callable[[], dict[MemberKey, Member]]:
        """The same, to be read later: for a pipeline, once that has been left."""
        found = ask_by_keys(self.connection, _MEMBERS, _MEMBER_KEY, list(keys))
        return lambda: {(m.workspace_id, m.conversation_id, m.user_id): m for m in map(member_of, found())}

    def change(self, kind: str, conversation: Conversation, origin: Origin, **about: Any) -> Change:
        """Adds a change to a conversation's log, numbered by `conversation.last_pos`, and keeps that state."""
        self.put(conversation)
        return self.change_at(conversation.last_pos, kind, conversation.id, origin, **about)

    def change_at(self, pos: int, kind: str, conversation_id: str, origin: Origin, **about: Any) -> Change:
        """The same for one who numbers several, and puts the conversation as it is after them."""
        change = Change(kind, conversation_id, origin, self.at, pos=pos, **about)
        self._changes.append(change)
        return change

    def lock_heads(self, keys: AbstractSet[UserKey]) -> None:
        """Locks the logs of users, in the order of their ids. Needed once, before any `user_change`."""
        in_order = sorted(keys, key=lambda key: key[1])
        known: dict[UserKey, int] = {}
        for start in range(0, len(in_order), _LOCKED_AT_ONCE):
            rows = self.connection.execute(_LOCK_HEADS, _any_of(in_order[start : start + _LOCKED_AT_ONCE]))
            known |= {(workspace_id, user_id): last_pos for workspace_id, user_id, last_pos in rows}
        self._heads = {key: known.get(key, 0) for key in keys}
        self._new_heads = keys - known.keys()

    def user_change(
        self, kind: str, user_id: str, conversation_id: str, origin: Origin, body: bytes, **about: Any
    ) -> Change:
        """Adds a change to the user's own log. `about` are further values of the change."""
        key = origin.workspace_id, user_id
        self._heads[key] += 1
        self._touched_heads.add(key)
        pos = self._heads[key]
        change = Change(kind, conversation_id, origin, self.at, body=body, user_id=user_id, user_pos=pos, **about)
        self._changes.append(change)
        return change

    def note(self, action: str, origin: Origin, subject_id: str, **detail: str) -> None:
        """Adds an entry to the audit log."""
        entry = Entry(
            action,
            self.at,
            workspace_id=origin.workspace_id,
            actor_id=origin.actor_id,
            subject_id=subject_id,
            address=origin.address,
            trace_id=origin.trace_id,
            detail=detail,
        )
        self._entries.append(entry)

    def write(self) -> None:
        """Writes what was to be written later."""
        for statement, rows in self._later:
            statement.run(self.connection, rows)
        self._later = []

    def write_entries(self) -> None:
        """Writes what was added to the audit log."""
        note(self.connection, self._trail, *self._entries)
        self._entries = []

    def flush(self) -> None:
        """Writes everything else that was added: nothing waits for an answer in it, so a pipeline may be around it."""
        self.later(_INSERT_CHANGES, [self._change_values(change) for change in self._changes if change.pos])
        self.later(_INSERT_USER_CHANGES, [self._user_change_values(c) for c in self._changes if c.user_pos])
        touched = [self._touched[id_] for id_ in sorted(self._touched)]
        changed = {c.id for c in touched if c.version != self._versions.get(c.id)}
        self.later(_MOVE, [_changed_values(c, _HEADS) for c in touched if c.id not in changed])
        self.later(_CHANGE, [_changed_values(c, _MUTABLE) for c in touched if c.id in changed])
        self._versions |= {c.id: c.version for c in touched}
        new, known = self._touched_heads & self._new_heads, self._touched_heads - self._new_heads
        self.later(_INSERT_HEADS, [self._head_values("workspace_id", "user_id", key) for key in sorted(new)])
        self.later(_UPDATE_HEAD, [self._head_values("key_workspace", "key", key) for key in sorted(known)])
        self.write()
        self._new_heads -= new
        self._touched, self._touched_heads, self._changes = {}, set(), []

    def _head_values(self, workspace: str, user: str, key: UserKey) -> dict[str, Any]:
        return {workspace: key[0], user: key[1], "last_pos": self._heads[key]}

    def _change_values(self, change: Change) -> Row:
        message, origin = change.message, change.origin
        return (
            *(origin.workspace_id, change.conversation_id, change.pos, change.type),
            *(message.seq if message else 0, message.id if message else None, origin.actor_id, change.subject_id),
            *(change.at, origin.traceparent, origin.correlation_id, change.body, self._published),
        )

    def _user_change_values(self, change: Change) -> dict[str, Any]:
        return {
            "user_id": change.user_id,
            "workspace_id": change.origin.workspace_id,
            "pos": change.user_pos,
            "type": change.type,
            "conversation_id": change.conversation_id,
            "actor_id": change.origin.actor_id,
            "at": change.at,
            "traceparent": change.origin.traceparent,
            "correlation_id": change.origin.correlation_id,
            "body": change.body if change.kept is None else change.kept,
            "published": self._published if change.is_receipt else 1,
        }


Handler = Callable[[Unit, list[Any]], list[Outcome]]
"""Carries out commands of one kind that follow each other."""

Begin = Callable[[Unit, list[Any]], Callable[[], list[Outcome]]]
"""A handler that asks for what it reads before its conversations are locked; what it returns does the rest after."""


Told = Callable[[Connection, Sequence[Any]], AbstractSet[UserKey]]
"""Whose own logs commands of one kind may write to beside their `told_ids`: found when conversations are locked."""


def each(handle: Callable[[Unit, Any], Outcome]) -> Handler:
    """A handler that takes one command at a time."""
    return lambda unit, commands: outcomes_of(commands, partial(handle, unit))


def outcomes_of(commands: Iterable[C], apply: Callable[[C], Outcome]) -> list[Outcome]:
    """What becomes of each command. `apply` refuses one by raising, before it has changed anything."""
    outcomes = []
    for command in commands:
        try:
            outcomes.append(apply(command))
        except Error as error:
            outcomes.append(Outcome(error=error))
    return outcomes


def advanced(conversation: Conversation, count: int = 1, **changes: Any) -> Conversation:
    """The conversation with so many more changes in its log. `dataclasses.replace` takes five times as long."""
    values = list(_ALL_OF(conversation))
    values[_PLACES["last_pos"]] += count
    for name, value in changes.items():
        values[_PLACES[name]] = value
    return Conversation(*values)


def _any_of(keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    return {"workspace_ids": sorted({key[0] for key in keys}), "ids": sorted({key[1] for key in keys})}


def _changed_values(conversation: Conversation, names: Sequence[str]) -> dict[str, Any]:
    """A new message moves the heads only, which is most of what happens."""
    key = {"key": conversation.id, "key_workspace": conversation.workspace_id}
    return key | {name: getattr(conversation, name) for name in names}

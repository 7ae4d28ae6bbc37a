"""How the journal carries out sends and forwards. Those that follow each other share their statements."""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import false, insert, literal_column, null, select

from mesh.sql.pipeline import pipeline
from mesh.sql.prepared import Prepared, Row
from services.message.conversations import domain as conversations
from services.message.conversations.domain import Conversation, Member
from services.message.feed.domain import MESSAGE_NEW, THREAD_UPDATED
from services.message.journal import Outcome
from services.message.keys_sql import ask_by_keys, by_keys
from services.message.messages import domain
from services.message.messages.domain import (
    NOBODY,
    UNCALLED,
    Format,
    Forwarded,
    ForwardMessage,
    Mentions,
    Message,
    SendMessage,
    Sent,
)
from services.message.messages.mentions_sql import INSERT_MENTIONS, Calls, mention_rows, named
from services.message.messages.reads_sql import read_messages
from services.message.messages.update_sql import UPDATE, changed
from services.message.messages.wire import thread_body
from services.message.rows import MESSAGE, message_of, message_values, metadata_text
from services.message.tables import members, messages
from services.message.unit_sql import ConversationKey, MemberKey, Unit, advanced, outcomes_of

_SEND_KEY = tuple(messages.c["workspace_id", "conversation_id", "sender_id", "client_msg_id"])
_STORED = select(*MESSAGE, messages.c.fingerprint)
_PLACE_KEY = tuple(messages.c["workspace_id", "conversation_id", "id"])
_REPLIES, _ROOTS = select(*_PLACE_KEY), select(*MESSAGE)
_MEMBER_KEY = tuple(members.c["workspace_id", "conversation_id", "user_id"])
_LAST_SENT = select(
    *_MEMBER_KEY,
    select(messages.c.created_at)
    .where(messages.c.conversation_id == members.c.conversation_id, messages.c.sender_id == members.c.user_id)
    .order_by(messages.c.seq.desc())
    .limit(1)
    .label("last"),
)
# What is the same in all new messages, and what most of them do without, stands in the statement: values that are bound
# are most of what a message costs.
_NEW = {
    **dict.fromkeys(("version", "revision"), literal_column("1")),
    **dict.fromkeys(("reply_count", "last_reply_seq"), literal_column("0")),
    **dict.fromkeys(("deleted_by", "reactions", "previews"), literal_column("''")),
    **dict.fromkeys(("edited_at", "deleted_at", "undelete_until", "pinned_at"), null()),
}
_WITHOUT = {
    **dict.fromkeys(("html", "attachments", "mentions", "thread_root", "forwarded", "poll"), literal_column("''")),
    **dict.fromkeys(("mentions_all", "silent"), false()),
    "format": literal_column(str(Format.PLAIN.value)),
    "expires_at": null(),
}
_PLAIN = tuple(name for name in Message.__slots__ if name not in (*_NEW, *_WITHOUT, "metadata"))
_PLAIN_OF = attrgetter(*_PLAIN)
_SAID = (*[name for name in Message.__slots__ if name not in _NEW], "mentions_all")
_INSERT = Prepared(insert(messages).values(_NEW), [*_SAID, "fingerprint"])
_INSERT_PLAIN = Prepared(insert(messages).values(_NEW | _WITHOUT), [*_PLAIN, "metadata", "fingerprint"])

_COUNT_REPLIES = Prepared(UPDATE, ["revision", "reply_count", "last_reply_seq"])

_SendKey = tuple[str, str, str, str]
"""Workspace id, conversation id, sender's id and client_msg_id."""
_PlaceKey = tuple[str, str, str]
"""Workspace id, conversation id and message id."""


def send(unit: Unit, commands: list[SendMessage]) -> list[Outcome]:
    """Repeats are answered with what is stored, here or earlier in the run; the others are numbered and written."""
    with pipeline(unit.connection):
        go_on = begin(unit, commands)
    return go_on()


def begin(unit: Unit, commands: list[SendMessage]) -> Callable[[], list[Outcome]]:
    """Asks for what every message needs; the rest of `send` is for when conversations are locked."""
    keys = [_key(command) for command in commands]
    pairs = zip(keys, commands, strict=True)
    calls = [(key[:2], command.mentions) for key, command in pairs if command.mentions is not NOBODY]
    members = unit.ask_members([key[:3] for key in keys] + [key for call in calls for key in named(*call)])
    stored = ask_by_keys(unit.connection, _STORED, _SEND_KEY, keys)
    return lambda: _Sends(unit, commands, calls, members(), stored()).carry_out()


class _Heads:
    """How far the numbers of a conversation have come in a run: to make it anew for each costs as much as a row."""

    __slots__ = ("_before", "_pos", "seq")

    def __init__(self, before: Conversation) -> None:
        self._before, self.seq, self._pos = before, before.last_seq, before.last_pos

    def next(self) -> int:
        """The number of one more change."""
        self._pos += 1
        return self._pos

    def conversation(self) -> Conversation:
        """As it is after the run."""
        return advanced(self._before, self._pos - self._before.last_pos, last_seq=self.seq)


class _Sends:
    """A run of sends, with everything read that it depends on: nothing is asked that no send of the run needs."""

    def __init__(
        self,
        unit: Unit,
        commands: list[SendMessage],
        calls: list[tuple[ConversationKey, Mentions]],
        members: dict[MemberKey, Member],
        stored: list[Any],
    ) -> None:
        self._unit, self._commands, self._members = unit, commands, members
        found = [(message_of(row), row[-1]) for row in stored]
        self._stored = {(m.workspace_id, m.conversation_id, m.sender_id, m.client_msg_id): (m, f) for m, f in found}
        self._calls = Calls(unit, calls, members)
        replies = [_place(command, command.reply_to) for command in commands if command.reply_to]
        self._targets = {tuple(row) for row in by_keys(unit.connection, _REPLIES, _PLACE_KEY, replies)}
        roots = [_place(command, command.thread_root) for command in commands if command.thread_root]
        self._roots: dict[_PlaceKey, Message | None] = dict.fromkeys(roots)
        for row in by_keys(unit.connection, _ROOTS, _PLACE_KEY, roots):
            root = message_of(row)
            self._roots[root.workspace_id, root.conversation_id, root.id] = root
        self._last_sent = self._paces({_key(command)[:3] for command in commands})
        self._sources = self._read_sources([c for c in commands if isinstance(c, ForwardMessage)])
        self._heads: dict[ConversationKey, _Heads] = {}
        self._plain: list[Row] = []
        self._written: list[Row] = []
        self._mentions: list[Row] = []
        self._answered: dict[str, Message] = {}
        """Roots that got a reply, by id."""

    def carry_out(self) -> list[Outcome]:
        outcomes = outcomes_of(self._commands, self._apply)
        self._write()
        return outcomes

    def _apply(self, command: SendMessage) -> Outcome:
        key = _key(command)
        conversation, member = conversations.visible(self._unit.conversation(key[:2]), self._members.get(key[:3]))
        if key in self._stored:
            message, fingerprint = self._stored[key]
            domain.check_repeat(fingerprint, command)
            return Outcome(Sent(message, replayed=True))
        conversations.check_posts(conversation, member)
        domain.check_poll(command.poll, self._unit.at)
        domain.check_pace(conversation, member, self._last_sent.get(key[:3]), self._unit.at)
        if command.reply_to and _place(command, command.reply_to) not in self._targets:
            raise domain.reply_not_found()
        root = None
        if command.thread_root:
            root = domain.check_root(self._roots[_place(command, command.thread_root)])
        if command.mentions.everybody:
            conversations.check_mentions_everybody(conversation, member)
        forwarded = self._forwarded(command) if isinstance(command, ForwardMessage) else None
        return self._add(command, conversation, root, forwarded)

    def _write(self) -> None:
        unit, roots = self._unit, self._answered.values()
        for heads in self._heads.values():
            unit.put(heads.conversation())
        unit.later(_INSERT_PLAIN, self._plain)
        unit.later(_INSERT, self._written)
        unit.later(INSERT_MENTIONS, self._mentions)
        counts = [changed(r, reply_count=r.reply_count, last_reply_seq=r.last_reply_seq) for r in roots]
        unit.later(_COUNT_REPLIES, counts)

    def _add(
        self, command: SendMessage, conversation: Conversation, root: Message | None, forwarded: Forwarded | None
    ) -> Outcome:
        key, unit = _key(command), self._unit
        called = UNCALLED
        if command.mentions is not NOBODY:
            called = self._calls.called(key[:2], key[2], command.mentions)
        heads = self._heads.get(key[:2])
        if heads is None:
            heads = self._heads[key[:2]] = _Heads(conversation)
        heads.seq += 1
        message = domain.written(command, heads.seq, unit.at, called.mentions, forwarded)
        self._stored[key] = message, command.fingerprint
        place = _place(command, message.id)
        self._targets.add(place)
        if place in self._roots:
            self._roots[place] = message
        if conversation.slow_mode_s:
            self._last_sent[key[:3]] = unit.at
        if _is_plain(message):
            self._plain.append((*_PLAIN_OF(message), metadata_text(message.metadata), command.fingerprint))
        else:
            self._written.append({**_values(message), "fingerprint": command.fingerprint})
        if called.user_ids:
            self._mentions += mention_rows(message, called.user_ids)
        changes = [unit.change_at(heads.next(), MESSAGE_NEW, conversation.id, command.origin, message=message)]
        if root is not None:
            root = domain.answered(root, message.seq)
            self._roots[_place(command, root.id)] = self._answered[root.id] = root
            body = thread_body(root)
            changes.append(unit.change_at(heads.next(), THREAD_UPDATED, conversation.id, command.origin, body=body))
        return Outcome(Sent(message, replayed=False), changes)

    def _forwarded(self, command: ForwardMessage) -> Forwarded:
        origin = command.origin
        source = self._sources.get((origin.workspace_id, command.message_id))
        key = (origin.workspace_id, source.conversation_id if source else "", origin.actor_id)
        return domain.passed_on(domain.visible(source, self._members.get(key))[0])

    def _paces(self, keys: set[MemberKey]) -> dict[MemberKey, datetime]:
        """When those last wrote for whom it counts."""
        slowed = [key for key in keys if self._is_slowed(key)]
        rows = by_keys(self._unit.connection, _LAST_SENT, _MEMBER_KEY, slowed)
        found = {(row.workspace_id, row.conversation_id, row.user_id): row.last for row in rows}
        return {key: last for key, last in found.items() if last is not None}

    def _is_slowed(self, key: MemberKey) -> bool:
        conversation, member = self._unit.conversation(key[:2]), self._members.get(key)
        return conversation is not None and member is not None and domain.is_slowed(conversation, member)

    def _read_sources(self, commands: Sequence[ForwardMessage]) -> dict[tuple[str, str], Message]:
        asked = [(command.origin.workspace_id, command.message_id) for command in commands]
        sources = read_messages(self._unit, asked)
        places = {key: message.conversation_id for key, message in sources.items()}
        readers = [(*key, command) for key, command in zip(asked, commands, strict=True) if key in places]
        self._members |= self._unit.members((ws, places[ws, id_], c.origin.actor_id) for ws, id_, c in readers)
        return sources


def _key(command: SendMessage) -> _SendKey:
    origin = command.origin
    return origin.workspace_id, command.conversation_id, origin.actor_id, command.client_msg_id


def _place(command: SendMessage, message_id: str) -> _PlaceKey:
    return command.origin.workspace_id, command.conversation_id, message_id


def _is_plain(message: Message) -> bool:
    """Whether it has nothing but a text, and what every message has."""
    more = message.attachments or message.thread_root or message.silent or message.expires_at or message.forwarded
    return message.format is Format.PLAIN and message.mentions is NOBODY and not more and message.poll is None


def _values(message: Message) -> dict[str, Any]:
    return {name: value for name, value in message_values(message).items() if name not in _NEW}

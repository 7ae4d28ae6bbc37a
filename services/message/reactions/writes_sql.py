"""How the journal carries out reactions. Those that follow each other share their statements."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from services.message.command import Command
from services.message.conversations.domain import Conversation, check_posts
from services.message.feed.domain import REACTION_ADDED, REACTION_REMOVED
from services.message.journal import Outcome
from services.message.keys_sql import by_keys
from services.message.messages.domain import Message, check_there, visible
from services.message.messages.reads_sql import conversation_of, read_messages
from services.message.messages.update_sql import UPDATE, changed
from services.message.reactions import domain
from services.message.reactions.domain import MAX_ACTORS, React, State
from services.message.reactions.wire import state_body
from services.message.rows import reactions_text
from services.message.tables import reactions
from services.message.unit_sql import Handler, Unit, advanced, outcomes_of

_KEY = tuple(reactions.c["message_id", "emoji", "user_id"])
_THERE = select(*_KEY)
_INSERT = insert(reactions)
_DELETE = delete(reactions).where(
    reactions.c.message_id == bindparam("key_message"),
    reactions.c.emoji == bindparam("key_emoji"),
    reactions.c.user_id == bindparam("key_user"),
)
_FIRST = (
    select(reactions.c.user_id)
    .where(reactions.c.message_id == bindparam("id"), reactions.c.emoji == bindparam("emoji"))
    .order_by(reactions.c.pos)
    .limit(MAX_ACTORS)
)

_ReactionKey = tuple[str, str, str]
"""Message id, emoji and user id."""


def react(unit: Unit, commands: list[React]) -> list[Outcome]:
    run = _Reactions(unit, commands)
    outcomes = outcomes_of(commands, run.apply)
    run.write()
    return outcomes


class _Reactions:
    """A run of reactions, with everything read that it depends on. A message is written once, as it is in the end."""

    def __init__(self, unit: Unit, commands: list[React]) -> None:
        self._unit = unit
        self._messages = read_messages(unit, {(c.origin.workspace_id, c.message_id) for c in commands})
        seen = [(c, self._messages.get((c.origin.workspace_id, c.message_id))) for c in commands]
        self._members = unit.members(
            (message.workspace_id, message.conversation_id, command.origin.actor_id)
            for command, message in seen
            if message is not None
        )
        asked = [_key(command) for command, message in seen if message is not None]
        self._there: set[_ReactionKey] = {tuple(row) for row in by_keys(unit.connection, _THERE, _KEY, asked)}
        self._new: dict[_ReactionKey, dict[str, Any]] = {}
        self._gone: set[_ReactionKey] = set()
        self._changed: dict[str, Message] = {}

    def apply(self, command: React) -> Outcome:
        origin, emoji = command.origin, command.emoji
        message = self._messages.get((origin.workspace_id, command.message_id))
        place = (origin.workspace_id, message.conversation_id if message else "", origin.actor_id)
        message, member = visible(message, self._members.get(place))
        conversation, key = conversation_of(self._unit, message), _key(command)
        if (key in self._there) == command.is_there:
            return Outcome(State(message, domain.shown(message, emoji), origin.actor_id))
        check_posts(conversation, member)
        check_there(message)
        conversation = advanced(conversation)
        message = self._added(command, message, conversation) if command.is_there else self._removed(command, message)
        self._messages[message.workspace_id, message.id] = self._changed[message.id] = message
        state = State(message, domain.shown(message, emoji), origin.actor_id)
        kind = REACTION_ADDED if command.is_there else REACTION_REMOVED
        return Outcome(state, (self._unit.change(kind, conversation, origin, body=state_body(state)),))

    def write(self) -> None:
        """Writes what was applied."""
        self._write_rows()
        if self._changed:
            self._unit.connection.execute(UPDATE, [_values(message) for message in self._changed.values()])

    def _added(self, command: React, message: Message, conversation: Conversation) -> Message:
        domain.check_room(message, command.emoji)
        key = _key(command)
        self._there.add(key)
        self._new[key] = {
            "message_id": message.id,
            "workspace_id": message.workspace_id,
            "emoji": command.emoji,
            "user_id": command.origin.actor_id,
            "created_at": self._unit.at,
            "pos": conversation.last_pos,
        }
        return domain.added(message, command.emoji, command.origin.actor_id)

    def _removed(self, command: React, message: Message) -> Message:
        key = _key(command)
        self._there.discard(key)
        if self._new.pop(key, None) is None:
            self._gone.add(key)
        message = domain.removed(message, command.emoji, command.origin.actor_id)
        if domain.is_short(domain.shown(message, command.emoji)):
            self._write_rows()  # What is read next is to tell of what stands before in the run.
            first = self._unit.connection.scalars(_FIRST, {"id": message.id, "emoji": command.emoji}).all()
            message = domain.refilled(message, command.emoji, first)
        return message

    def _write_rows(self) -> None:
        # First what goes: what was taken away may have come again.
        if self._gone:
            self._unit.connection.execute(_DELETE, [_key_values(key) for key in self._gone])
        if self._new:
            self._unit.connection.execute(_INSERT, list(self._new.values()))
        self._gone, self._new = set(), {}


def _key(command: React) -> _ReactionKey:
    return command.message_id, command.emoji, command.origin.actor_id


def _key_values(key: _ReactionKey) -> dict[str, str]:
    return dict(zip(("key_message", "key_emoji", "key_user"), key, strict=True))


def _values(message: Message) -> dict[str, Any]:
    return changed(message, reactions=reactions_text(message.reactions))


HANDLERS: Mapping[type[Command], Handler] = {React: react}

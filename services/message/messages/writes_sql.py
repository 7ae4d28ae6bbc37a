"""How the journal carries out commands on messages. Sends that follow each other share their statements."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from mesh.errors import Error
from services.message.command import Command
from services.message.conversations import domain as conversations
from services.message.conversations.domain import Member
from services.message.feed.domain import MESSAGE_DELETED, MESSAGE_NEW, MESSAGE_UPDATED
from services.message.journal import Outcome
from services.message.keys_sql import by_keys
from services.message.messages import domain
from services.message.messages.domain import DeleteMessage, EditMessage, Message, SendMessage, Sent
from services.message.rows import MESSAGE, message_of, message_values
from services.message.tables import message_versions, messages
from services.message.unit_sql import Handler, Unit, advanced, each

_SEND_KEY = (messages.c.conversation_id, messages.c.sender_id, messages.c.client_msg_id)
_STORED = select(*MESSAGE, messages.c.fingerprint)
_ONE = select(*MESSAGE).where(messages.c.id == bindparam("id"))
_REPLIES = select(messages.c.id, messages.c.conversation_id).where(messages.c.id.in_(bindparam("ids", expanding=True)))
_INSERT = insert(messages)
_INSERT_VERSION = insert(message_versions)
_DELETE_VERSIONS = delete(message_versions).where(message_versions.c.message_id == bindparam("id"))
_UPDATE = update(messages).where(messages.c.id == bindparam("key"))
_MUTABLE = ("text", "metadata", "version", "edited_at", "deleted_at", "deleted_by")


def send(unit: Unit, commands: list[SendMessage]) -> list[Outcome]:
    """Repeats are answered with what is stored, here or earlier in the run; the others are numbered and written."""
    sends = _Sends(unit, commands)
    outcomes = []
    for command in commands:
        try:
            outcomes.append(sends.apply(command))
        except Error as error:
            outcomes.append(Outcome(error=error))
    if sends.written:
        unit.connection.execute(_INSERT, sends.written)
    return outcomes


class _Sends:
    """A run of sends, with everything read that it depends on."""

    def __init__(self, unit: Unit, commands: list[SendMessage]) -> None:
        self._unit = unit
        self._members = unit.members(_key(command)[:2] for command in commands)
        rows = by_keys(unit.connection, _STORED, _SEND_KEY, [_key(command) for command in commands])
        self._stored = {(r.conversation_id, r.sender_id, r.client_msg_id): (message_of(r), r[-1]) for r in rows}
        asked = list({command.reply_to for command in commands if command.reply_to})
        replies = unit.connection.execute(_REPLIES, {"ids": asked}).all() if asked else ()
        self._conversation_of: dict[str, str] = dict(replies)
        self.written: list[dict[str, Any]] = []

    def apply(self, command: SendMessage) -> Outcome:
        member = self._members.get((command.conversation_id, command.origin.actor_id))
        conversation, member = conversations.visible(self._unit.conversation(command.conversation_id), member)
        key = _key(command)
        if key in self._stored:
            message, fingerprint = self._stored[key]
            domain.check_repeat(fingerprint, command)
            return Outcome(Sent(message, replayed=True))
        domain.check_writes(member)
        if command.reply_to and self._conversation_of.get(command.reply_to) != conversation.id:
            raise domain.reply_not_found()
        message = domain.written(command, conversation.last_seq + 1, self._unit.at)
        self._stored[key] = message, command.fingerprint
        self._conversation_of[message.id] = conversation.id
        self.written.append({**message_values(message), "fingerprint": command.fingerprint})
        conversation = advanced(conversation, last_seq=message.seq)
        change = self._unit.change(MESSAGE_NEW, conversation, command.origin, message=message)
        return Outcome(Sent(message, replayed=False), (change,))


def edit(unit: Unit, command: EditMessage) -> Outcome:
    message, actor = _visible(unit, command.id, command.origin.actor_id)
    edited = domain.edited(message, actor, command.text, unit.at)
    if edited is message:
        return Outcome(message)
    unit.connection.execute(
        _INSERT_VERSION,
        {
            "message_id": message.id,
            "version": message.version,
            "text": message.text,
            "at": message.edited_at or message.created_at,
        },
    )
    return _updated(unit, MESSAGE_UPDATED, command, edited)


def remove(unit: Unit, command: DeleteMessage) -> Outcome:
    message, actor = _visible(unit, command.id, command.origin.actor_id)
    deleted = domain.deleted(message, actor, unit.at)
    if deleted is message:
        return Outcome(message)
    unit.connection.execute(_DELETE_VERSIONS, {"id": message.id})
    return _updated(unit, MESSAGE_DELETED, command, deleted)


def _visible(unit: Unit, message_id: str, actor_id: str) -> tuple[Message, Member]:
    row = unit.connection.execute(_ONE, {"id": message_id}).one_or_none()
    if row is None:
        return domain.visible(None, None)
    key = (row.conversation_id, actor_id)
    return domain.visible(message_of(row), unit.members([key]).get(key))


def _updated(unit: Unit, kind: str, command: Command, message: Message) -> Outcome:
    values = message_values(message)
    unit.connection.execute(_UPDATE, {"key": message.id, **{name: values[name] for name in _MUTABLE}})
    conversation = unit.conversation(message.conversation_id)
    assert conversation is not None  # A message refers to its conversation.
    change = unit.change(kind, advanced(conversation), command.origin, message=message)
    return Outcome(message, (change,))


def _key(command: SendMessage) -> tuple[str, str, str]:
    return command.conversation_id, command.origin.actor_id, command.client_msg_id


HANDLERS: Mapping[type[Command], Handler] = {
    SendMessage: send,
    EditMessage: each(edit),
    DeleteMessage: each(remove),
}

"""How the journal carries out commands on messages. Sends that follow each other share their statements."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from mesh.errors import Error
from services.message.command import Command, Origin
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

_SEND_KEY = tuple(messages.c["workspace_id", "conversation_id", "sender_id", "client_msg_id"])
_STORED = select(*MESSAGE, messages.c.fingerprint)
_ONE = select(*MESSAGE).where(messages.c.id == bindparam("id"), messages.c.workspace_id == bindparam("workspace_id"))
_REPLY_KEY = tuple(messages.c["workspace_id", "conversation_id", "id"])
_REPLIES = select(*_REPLY_KEY)
_INSERT = insert(messages)
_INSERT_VERSION = insert(message_versions)
_DELETE_VERSIONS = delete(message_versions).where(
    message_versions.c.message_id == bindparam("id"), message_versions.c.workspace_id == bindparam("workspace")
)
_UPDATE = update(messages).where(
    messages.c.id == bindparam("key"), messages.c.workspace_id == bindparam("key_workspace")
)
_MUTABLE = ("text", "metadata", "version", "revision", "edited_at", "deleted_at", "deleted_by")


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
        keys = [_key(command) for command in commands]
        self._members = unit.members(key[:3] for key in keys)
        found = [(message_of(row), row[-1]) for row in by_keys(unit.connection, _STORED, _SEND_KEY, keys)]
        self._stored = {(m.workspace_id, m.conversation_id, m.sender_id, m.client_msg_id): (m, f) for m, f in found}
        asked = [_reply_key(command) for command in commands if command.reply_to]
        self._targets = {tuple(row) for row in by_keys(unit.connection, _REPLIES, _REPLY_KEY, asked)}
        self.written: list[dict[str, Any]] = []

    def apply(self, command: SendMessage) -> Outcome:
        key = _key(command)
        conversation, member = conversations.visible(self._unit.conversation(key[:2]), self._members.get(key[:3]))
        if key in self._stored:
            message, fingerprint = self._stored[key]
            domain.check_repeat(fingerprint, command)
            return Outcome(Sent(message, replayed=True))
        domain.check_writes(member)
        if command.reply_to and _reply_key(command) not in self._targets:
            raise domain.reply_not_found()
        message = domain.written(command, conversation.last_seq + 1, self._unit.at)
        self._stored[key] = message, command.fingerprint
        self._targets.add((message.workspace_id, message.conversation_id, message.id))
        self.written.append({**message_values(message), "fingerprint": command.fingerprint})
        conversation = advanced(conversation, last_seq=message.seq)
        change = self._unit.change(MESSAGE_NEW, conversation, command.origin, message=message)
        return Outcome(Sent(message, replayed=False), (change,))


def edit(unit: Unit, command: EditMessage) -> Outcome:
    message, actor = _visible(unit, command.message_id, command.origin)
    edited = domain.edited(message, actor, command, unit.at)
    if edited is message:
        return Outcome(message)
    unit.connection.execute(
        _INSERT_VERSION,
        {
            "message_id": message.id,
            "workspace_id": message.workspace_id,
            "version": message.version,
            "text": message.text,
            "at": message.edited_at or message.created_at,
        },
    )
    return _updated(unit, MESSAGE_UPDATED, command, edited)


def remove(unit: Unit, command: DeleteMessage) -> Outcome:
    message, actor = _visible(unit, command.message_id, command.origin)
    deleted = domain.deleted(message, actor, command, unit.at)
    if deleted is message:
        return Outcome(message)
    unit.connection.execute(_DELETE_VERSIONS, {"id": message.id, "workspace": message.workspace_id})
    return _updated(unit, MESSAGE_DELETED, command, deleted)


def _visible(unit: Unit, message_id: str, origin: Origin) -> tuple[Message, Member]:
    row = unit.connection.execute(_ONE, {"id": message_id, "workspace_id": origin.workspace_id}).one_or_none()
    if row is None:
        return domain.visible(None, None)
    key = (origin.workspace_id, row.conversation_id, origin.actor_id)
    return domain.visible(message_of(row), unit.members([key]).get(key))


def _updated(unit: Unit, kind: str, command: Command, message: Message) -> Outcome:
    values = message_values(message)
    key = {"key": message.id, "key_workspace": message.workspace_id}
    unit.connection.execute(_UPDATE, {**key, **{name: values[name] for name in _MUTABLE}})
    conversation = unit.conversation((message.workspace_id, message.conversation_id))
    assert conversation is not None  # A message refers to its conversation.
    change = unit.change(kind, advanced(conversation), command.origin, message=message)
    return Outcome(message, (change,))


def _key(command: SendMessage) -> tuple[str, str, str, str]:
    origin = command.origin
    return origin.workspace_id, command.conversation_id, origin.actor_id, command.client_msg_id


def _reply_key(command: SendMessage) -> tuple[str, str, str]:
    return command.origin.workspace_id, command.conversation_id, command.reply_to


HANDLERS: Mapping[type[Command], Handler] = {
    SendMessage: send,
    EditMessage: each(edit),
    DeleteMessage: each(remove),
}

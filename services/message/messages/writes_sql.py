"""How the journal carries out commands on messages that are there, one at a time."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from services.message.command import Command, Origin
from services.message.feed.domain import MESSAGE_DELETED, MESSAGE_UNPINNED, MESSAGE_UPDATED, THREAD_UPDATED, Change
from services.message.journal import Outcome
from services.message.messages import domain
from services.message.messages.domain import (
    DeleteMessage,
    EditMessage,
    ExpireMessage,
    ForwardMessage,
    Message,
    RestoreVersion,
    SendMessage,
    UndeleteMessage,
)
from services.message.messages.mentions_sql import delete_mentions, insert_mentions, mention_rows, recalled, resolve
from services.message.messages.purge_sql import forget
from services.message.messages.reads_sql import conversation_of, find, present
from services.message.messages.sends_sql import begin, send
from services.message.messages.update_sql import UPDATE, changed
from services.message.messages.wire import pinned_body, thread_body
from services.message.rows import message_values, said_of
from services.message.tables import deleted_messages, message_versions, pins
from services.message.unit_sql import Begin, Handler, Unit, advanced, each

_SAID = ("text", "html", "metadata", "attachments", "mentions", "reactions", "forwarded", "poll")
_STATE = ("previews", "version", "edited_at", "deleted_at", "deleted_by", "undelete_until", "pinned_at")
_VERSIONS = (
    message_versions.c.message_id == bindparam("id"),
    message_versions.c.workspace_id == bindparam("workspace"),
)
_INSERT_VERSION = insert(message_versions)
_VERSION = select(message_versions.c.text, message_versions.c.html).where(
    *_VERSIONS, message_versions.c.version == bindparam("number")
)
_KEEP = insert(deleted_messages)
_TAKE_BACK = (
    delete(deleted_messages)
    .where(deleted_messages.c.message_id == bindparam("id"), deleted_messages.c.workspace_id == bindparam("workspace"))
    .returning(*deleted_messages.c[_SAID])
)
_DELETE_PIN = delete(pins).where(pins.c.message_id == bindparam("id"), pins.c.workspace_id == bindparam("workspace"))


def edit(unit: Unit, command: EditMessage) -> Outcome:
    conversation, message, actor = present(unit, command.message_id, command.origin)
    domain.check_edits(conversation, message, actor)
    called = None if command.mentions is None else resolve(unit, message, command.mentions)
    mentions = message.mentions if called is None else called.mentions
    edited = domain.edited(conversation, message, actor, command, mentions, unit.at)
    if edited is message:
        return Outcome(message)
    if called is not None:
        delete_mentions(unit, message)
        insert_mentions(unit, mention_rows(edited, called.user_ids))
    return _next_version(unit, command.origin, message, edited)


def restore(unit: Unit, command: RestoreVersion) -> Outcome:
    conversation, message, actor = present(unit, command.message_id, command.origin)
    domain.check_edits(conversation, message, actor)
    if command.version == message.version:
        return Outcome(message)
    row = unit.connection.execute(_VERSION, {**_key(message), "number": command.version}).one_or_none()
    if row is None:
        raise domain.version_not_found()
    if row.text == message.text:
        return Outcome(message)
    return _next_version(unit, command.origin, message, domain.rewritten(message, row.text, row.html, unit.at))


def remove(unit: Unit, command: DeleteMessage) -> Outcome:
    conversation, message, actor = present(unit, command.message_id, command.origin)
    deleted = domain.deleted(conversation, message, actor, command, unit.at)
    if deleted is message:
        return Outcome(message)
    values = message_values(message)
    about = {"message_id": message.id, "workspace_id": message.workspace_id, "until": deleted.undelete_until}
    unit.connection.execute(_KEEP, {**about, **{name: values[name] for name in _SAID}})
    return _buried(unit, command.origin, message, deleted)


def expire(unit: Unit, command: ExpireMessage) -> Outcome:
    """Answers whether it became a tombstone by this. Nothing of what it said is kept."""
    message = find(unit, command.origin.workspace_id, command.message_id)
    conversation = message and unit.conversation((message.workspace_id, message.conversation_id))
    if message is None or conversation is None or conversation.deleted_at is not None:
        return Outcome(False)
    expired = domain.expired(message, unit.at)
    if expired is message:
        return Outcome(False)
    forget(unit.connection, [message.id])
    return Outcome(True, _buried(unit, command.origin, message, expired).changes)


def undelete(unit: Unit, command: UndeleteMessage) -> Outcome:
    conversation, message, actor = present(unit, command.message_id, command.origin)
    if not domain.check_undeletes(conversation, message, actor, unit.at):
        return Outcome(message)
    row = unit.connection.execute(_TAKE_BACK, _key(message)).mappings().one_or_none()
    if row is None:
        raise domain.undelete_expired()
    back = domain.undeleted(message, **said_of(dict(row)))
    insert_mentions(unit, mention_rows(back, recalled(unit, back).user_ids))
    changes = [_updated(unit, MESSAGE_UPDATED, command.origin, back)]
    return Outcome(back, [*changes, *_recounted(unit, command.origin, back, 1)])


def _next_version(unit: Unit, origin: Origin, message: Message, edited: Message) -> Outcome:
    unit.connection.execute(
        _INSERT_VERSION,
        {
            "message_id": message.id,
            "workspace_id": message.workspace_id,
            "version": message.version,
            "text": message.text,
            "html": message.html,
            "at": message.edited_at or message.created_at,
        },
    )
    return Outcome(edited, (_updated(unit, MESSAGE_UPDATED, origin, edited),))


def _buried(unit: Unit, origin: Origin, message: Message, tombstone: Message) -> Outcome:
    """A message is a tombstone from now on: it calls nobody, is not pinned, and does not count as a reply."""
    delete_mentions(unit, message)
    changes = [_updated(unit, MESSAGE_DELETED, origin, tombstone)]
    if message.pinned_at is not None:
        unit.connection.execute(_DELETE_PIN, _key(message))
        conversation = advanced(conversation_of(unit, message))
        changes.append(unit.change(MESSAGE_UNPINNED, conversation, origin, body=pinned_body(tombstone)))
    return Outcome(tombstone, [*changes, *_recounted(unit, origin, message, -1)])


def _recounted(unit: Unit, origin: Origin, reply: Message, step: int) -> list[Change]:
    if not reply.thread_root:
        return []
    root = find(unit, reply.workspace_id, reply.thread_root)
    assert root is not None  # Messages stay, at least as tombstones.
    root = domain.recounted(root, step)
    unit.connection.execute(UPDATE, changed(root, reply_count=root.reply_count))
    conversation = advanced(conversation_of(unit, reply))
    return [unit.change(THREAD_UPDATED, conversation, origin, body=thread_body(root))]


def _updated(unit: Unit, kind: str, origin: Origin, message: Message) -> Change:
    values = message_values(message)
    now = {name: values[name] for name in (*_SAID, "mentions_all", *_STATE)}
    unit.connection.execute(UPDATE, changed(message, **now))
    return unit.change(kind, advanced(conversation_of(unit, message)), origin, message=message)


def _key(message: Message) -> dict[str, Any]:
    return {"id": message.id, "workspace": message.workspace_id}


BEGIN: Mapping[type[Command], Begin] = {SendMessage: begin}
HANDLERS: Mapping[type[Command], Handler] = {
    SendMessage: send,
    ForwardMessage: send,
    EditMessage: each(edit),
    RestoreVersion: each(restore),
    DeleteMessage: each(remove),
    UndeleteMessage: each(undelete),
    ExpireMessage: each(expire),
}

"""How the journal carries out imports: each batch is one command."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select

from services.message.command import Command
from services.message.feed.domain import MESSAGE_NEW, Change
from services.message.journal import Outcome
from services.message.keys_sql import by_keys
from services.message.rows import message_values
from services.message.tables import messages
from services.message.transfer import domain
from services.message.transfer.domain import ImportedSoFar, ImportMessages
from services.message.unit_sql import Handler, Unit, advanced, each

_KEY = tuple(messages.c["workspace_id", "conversation_id", "sender_id", "client_msg_id"])
_STORED = select(*messages.c["sender_id", "client_msg_id", "fingerprint"])
_INSERT = insert(messages)


def take_in(unit: Unit, command: ImportMessages) -> Outcome:
    """Answers how many were new."""
    workspace_id, id_ = command.origin.workspace_id, command.conversation_id
    conversation = domain.writable(unit.conversation((workspace_id, id_)))
    keys = [(workspace_id, id_, item.sender_id, item.client_msg_id) for item in command.items]
    rows = by_keys(unit.connection, _STORED, _KEY, keys)
    stored: dict[tuple[str, str], bytes] = {(row.sender_id, row.client_msg_id): row.fingerprint for row in rows}
    new = []
    for item in command.items:
        key = (item.sender_id, item.client_msg_id)
        if key in stored:
            domain.check_repeat(stored[key], item)
        else:
            stored[key] = item.fingerprint
            new.append(item)
    values: list[dict[str, Any]] = []
    changes: list[Change] = []
    for item in new:
        message = domain.written(item, conversation, conversation.last_seq + 1)
        values.append({**message_values(message), "fingerprint": item.fingerprint})
        conversation = advanced(conversation, last_seq=message.seq)
        changes.append(unit.change(MESSAGE_NEW, conversation, command.origin, message=message))
    if new:
        unit.connection.execute(_INSERT, values)
        unit.note("messages.imported", command.origin, id_, written=str(len(new)))
    return Outcome(ImportedSoFar(len(new), len(command.items) - len(new), conversation.last_seq), changes)


HANDLERS: Mapping[type[Command], Handler] = {ImportMessages: each(take_in)}

"""Queries about messages that reading and writing share."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, select

from mesh.identity.principal import Principal
from services.message.command import Origin
from services.message.conversations import domain as conversation_rules
from services.message.conversations.domain import Conversation, Member
from services.message.keys_sql import by_keys
from services.message.messages import domain
from services.message.messages.domain import Message
from services.message.rows import MESSAGE, message_of
from services.message.tables import conversations, members, messages
from services.message.unit_sql import Unit

VISIBLE = (
    select(*MESSAGE)
    .join(members, members.c.conversation_id == messages.c.conversation_id)
    .where(
        messages.c.workspace_id == bindparam("workspace_id"),
        members.c.workspace_id == bindparam("workspace_id"),
        members.c.user_id == bindparam("user_id"),
    )
)
"""The messages that a user can read; `of` gives the parameters."""
ONE_VISIBLE = VISIBLE.where(messages.c.id == bindparam("id"))

_LAST_SEQ = (
    select(conversations.c.last_seq)
    .join(members, members.c.conversation_id == conversations.c.id)
    .where(
        conversations.c.workspace_id == bindparam("workspace_id"),
        members.c.workspace_id == bindparam("workspace_id"),
        conversations.c.id == bindparam("id"),
        members.c.user_id == bindparam("user_id"),
    )
)
_SOME, _KEY = select(*MESSAGE), tuple(messages.c["workspace_id", "id"])
_ONE = select(*MESSAGE).where(messages.c.id == bindparam("id"), messages.c.workspace_id == bindparam("workspace_id"))


def of(caller: Principal, **more: str) -> dict[str, str]:
    """Who reads, as parameters."""
    return {"workspace_id": caller.workspace_id, "user_id": caller.user_id, **more}


def one_visible(connection: Connection, caller: Principal, message_id: str) -> Message:
    """A message that the caller can read. Raises NotFound (MESSAGE_NOT_FOUND)."""
    row = connection.execute(ONE_VISIBLE, of(caller, id=message_id)).one_or_none()
    if row is None:
        raise domain.not_found()
    return message_of(row)


def read_last_seq(connection: Connection, caller: Principal, conversation_id: str) -> int:
    """The number of the last message of a conversation that the caller is in. NotFound (CONVERSATION_NOT_FOUND)."""
    last_seq: int | None = connection.scalar(_LAST_SEQ, of(caller, id=conversation_id))
    if last_seq is None:
        raise conversation_rules.not_found()
    return last_seq


def read_messages(unit: Unit, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Message]:
    """Messages by workspace and id, as far as they are there, for whoever it is."""
    found = map(message_of, by_keys(unit.connection, _SOME, _KEY, list(keys)))
    return {(message.workspace_id, message.id): message for message in found}


def find(unit: Unit, workspace_id: str, message_id: str) -> Message | None:
    """A message as the transaction has it, for whoever it is."""
    row = unit.connection.execute(_ONE, {"id": message_id, "workspace_id": workspace_id}).one_or_none()
    return None if row is None else message_of(row)


def present(unit: Unit, message_id: str, origin: Origin) -> tuple[Conversation, Message, Member]:
    """A message with where it stands and who asks. Raises NotFound (MESSAGE_NOT_FOUND) for who is not in there."""
    message = find(unit, origin.workspace_id, message_id)
    if message is None:
        raise domain.not_found()
    key = (origin.workspace_id, message.conversation_id, origin.actor_id)
    message, member = domain.visible(message, unit.members([key]).get(key))
    return conversation_of(unit, message), message, member


def conversation_of(unit: Unit, message: Message) -> Conversation:
    conversation = unit.conversation((message.workspace_id, message.conversation_id))
    assert conversation is not None  # A message refers to its conversation.
    return conversation

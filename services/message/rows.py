"""How conversations, members and messages stand in their tables: columns, and rows there and back."""

from collections.abc import Sequence
from typing import Any

import orjson

from services.message.conversations.domain import Conversation, Kind, Member, Role
from services.message.messages.domain import Message
from services.message.tables import conversations, members, messages

CONVERSATION = conversations.c[Conversation.__slots__]
MEMBER = members.c[Member.__slots__]
MESSAGE = messages.c[Message.__slots__]


def conversation_of(row: Sequence[Any]) -> Conversation:
    id_, workspace_id, kind, *rest = row
    return Conversation(id_, workspace_id, Kind(kind), *rest)


def conversation_values(conversation: Conversation) -> dict[str, Any]:
    return {name: getattr(conversation, name) for name in Conversation.__slots__}


def member_of(row: Sequence[Any]) -> Member:
    conversation_id, workspace_id, user_id, role, joined_at, last_read_seq = row
    return Member(conversation_id, workspace_id, user_id, Role(role), joined_at, last_read_seq)


def member_values(member: Member) -> dict[str, Any]:
    return {name: getattr(member, name) for name in Member.__slots__}


def message_of(row: Sequence[Any]) -> Message:
    """The message in the first columns of `row`; further ones are left alone."""
    id_, workspace_id, conversation_id, seq, sender_id, client_msg_id, text, *rest = row[: len(MESSAGE)]
    reply_to, metadata, *rest = rest
    values = orjson.loads(metadata) if metadata else {}
    return Message(id_, workspace_id, conversation_id, seq, sender_id, client_msg_id, text, reply_to, values, *rest)


def message_values(message: Message) -> dict[str, Any]:
    values = {name: getattr(message, name) for name in Message.__slots__}
    values["metadata"] = orjson.dumps(message.metadata).decode() if message.metadata else ""
    return values

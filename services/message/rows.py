"""How conversations, members and messages stand in their tables: columns, and rows there and back."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any

import orjson

from services.message.conversations.domain import Conversation, JoinPolicy, Kind, Member, Notify, Role, Visibility
from services.message.messages.domain import (
    NOBODY,
    Format,
    Forwarded,
    LinkPreview,
    Mentions,
    Message,
    Poll,
    PollOption,
    Reaction,
)
from services.message.tables import conversations, members, messages

CONVERSATION = conversations.c[Conversation.__slots__]
MEMBER = members.c[Member.__slots__]
MESSAGE = messages.c[Message.__slots__]


def conversation_of(row: Sequence[Any]) -> Conversation:
    return Conversation(**_enums(_CONVERSATION_ENUMS, dict(zip(Conversation.__slots__, row, strict=True))))


def conversation_values(conversation: Conversation) -> dict[str, Any]:
    return {name: getattr(conversation, name) for name in (*Conversation.__slots__, "name_key")}


def member_of(row: Sequence[Any]) -> Member:
    return Member(**_enums(_MEMBER_ENUMS, dict(zip(Member.__slots__, row, strict=True))))


def member_values(member: Member) -> dict[str, Any]:
    return {name: getattr(member, name) for name in Member.__slots__}


def message_of(row: Sequence[Any]) -> Message:
    """The message in the first columns of `row`; further ones are left alone."""
    values = dict(zip(Message.__slots__, row, strict=False))
    values["format"] = Format(values["format"])
    values["previews"] = previews_of(values["previews"])
    return Message(**said_of(values))


def said_of(values: dict[str, Any]) -> dict[str, Any]:
    """What a message says, out of its columns. Other values stay as they are."""
    values["metadata"] = orjson.loads(values["metadata"]) if values["metadata"] else {}
    values["attachments"] = tuple(orjson.loads(values["attachments"])) if values["attachments"] else ()
    values["mentions"] = mentions_of(values["mentions"])
    values["reactions"] = reactions_of(values["reactions"])
    values["forwarded"] = forwarded_of(values["forwarded"])
    values["poll"] = poll_of(values["poll"])
    return values


def message_values(message: Message) -> dict[str, Any]:
    values = {name: getattr(message, name) for name in Message.__slots__}
    values["metadata"] = metadata_text(message.metadata)
    values["attachments"] = orjson.dumps(message.attachments).decode() if message.attachments else ""
    values["mentions"] = mentions_text(message.mentions)
    values["mentions_all"] = message.mentions.everybody
    values["reactions"] = reactions_text(message.reactions)
    values["forwarded"] = orjson.dumps(astuple(message.forwarded)).decode() if message.forwarded else ""
    values["previews"] = previews_text(message.previews)
    values["poll"] = poll_text(message.poll)
    return values


def metadata_text(metadata: Mapping[str, str]) -> str:
    return orjson.dumps(metadata).decode() if metadata else ""


def mentions_of(text: str) -> Mentions:
    if not text:
        return NOBODY
    user_ids, group_ids, everybody, here = orjson.loads(text)
    return Mentions(tuple(user_ids), tuple(group_ids), everybody, here)


def mentions_text(mentions: Mentions) -> str:
    if mentions == NOBODY:
        return ""
    return orjson.dumps((mentions.user_ids, mentions.group_ids, mentions.all, mentions.here)).decode()


def reactions_of(text: str) -> tuple[Reaction, ...]:
    return tuple(Reaction(emoji, count, tuple(ids)) for emoji, count, ids in orjson.loads(text)) if text else ()


def reactions_text(reactions: Sequence[Reaction]) -> str:
    return orjson.dumps([(r.emoji, r.count, r.user_ids) for r in reactions]).decode() if reactions else ""


def forwarded_of(text: str) -> Forwarded | None:
    if not text:
        return None
    values = dict(zip(Forwarded.__slots__, orjson.loads(text), strict=True))
    values["created_at"] = datetime.fromisoformat(values["created_at"])
    values["format"], values["attachments"] = Format(values["format"]), tuple(values["attachments"])
    return Forwarded(**values)


def previews_of(text: str) -> tuple[LinkPreview, ...]:
    return tuple(LinkPreview(*values) for values in orjson.loads(text)) if text else ()


def previews_text(previews: Sequence[LinkPreview]) -> str:
    return orjson.dumps([astuple(preview) for preview in previews]).decode() if previews else ""


def poll_of(text: str) -> Poll | None:
    if not text:
        return None
    values = dict(zip(Poll.__slots__, orjson.loads(text), strict=True))
    options = (PollOption(text, votes, tuple(ids)) for text, votes, ids in values["options"])
    moments = {name: _moment(values[name]) for name in ("closes_at", "closed_at")}
    return Poll(**{**values, **moments, "options": tuple(options)})


def poll_text(poll: Poll | None) -> str:
    return orjson.dumps(astuple(poll)).decode() if poll else ""


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


_CONVERSATION_ENUMS = {
    "kind": Kind,
    "visibility": Visibility,
    "join_policy": JoinPolicy,
    "post_role": Role,
    "invite_role": Role,
    "mention_role": Role,
    "pin_role": Role,
}
_MEMBER_ENUMS = {"role": Role, "notify": Notify}


def _enums(kinds: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    for name, kind in kinds.items():
        values[name] = kind(values[name])
    return values

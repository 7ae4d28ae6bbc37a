"""Queries about members and unread messages that reading and writing share."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, bindparam, func, literal, select, true

from services.message.conversations.domain import FIRST_MEMBERS, Counts, Member
from services.message.rows import MEMBER, member_of
from services.message.tables import conversations, members, mentions, messages

FOREVER = datetime.max.replace(tzinfo=UTC)
_ASKED = (
    conversations.c.workspace_id == bindparam("workspace_id"),
    conversations.c.id.in_(bindparam("ids", expanding=True)),
)
_FIRST = members.alias()
_IN_ORDER = (_FIRST.c.joined_at, _FIRST.c.user_id)
_OF_ONE = select(_FIRST).where(_FIRST.c.conversation_id == conversations.c.id).order_by(*_IN_ORDER)
_LAST_SHOWN = _OF_ONE.with_only_columns(_FIRST.c.joined_at).offset(FIRST_MEMBERS - 1).limit(1)
_SHOWN = _OF_ONE.limit(FIRST_MEMBERS).correlate(conversations).lateral()
# Each finds them in an index, and does not look at all members.
_FIRST_MEMBERS: Mapping[str, Select[Any]] = {
    # Up to when the last of them joined.
    "sqlite": select(*MEMBER)
    .join(conversations, conversations.c.id == members.c.conversation_id)
    .where(
        *_ASKED,
        members.c.joined_at
        <= func.coalesce(
            _LAST_SHOWN.correlate(conversations).scalar_subquery(), literal(FOREVER, members.c.joined_at.type)
        ),
    )
    .order_by(members.c.joined_at, members.c.user_id),
    "postgresql": select(*[_SHOWN.c[column.name] for column in MEMBER])
    .select_from(conversations.join(_SHOWN, true()))
    .where(*_ASKED)
    .order_by(_SHOWN.c.joined_at, _SHOWN.c.user_id),
}
_MARKED = (
    members.c.workspace_id == bindparam("workspace_id"),
    members.c.user_id == bindparam("user_id"),
    members.c.conversation_id.in_(bindparam("ids", expanding=True)),
)
_AFTER = (messages.c.conversation_id == members.c.conversation_id, messages.c.seq > members.c.last_read_seq)
_OF_OTHERS = (messages.c.sender_id != members.c.user_id, messages.c.deleted_at.is_(None))


def _counted(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(messages).where(*_AFTER, *conditions).correlate(members).scalar_subquery()


UNREAD = (
    conversations.c.last_seq
    - members.c.last_read_seq
    - _counted(messages.c.sender_id == members.c.user_id)
    - _counted(messages.c.deleted_at.is_not(None), messages.c.sender_id != members.c.user_id)
)
"""How much is unread for a member. Numbers have no gaps, so it is known from them, but for what is their own or
deleted: both are few, and have an index. So a count costs the same however much is unread.
"""
_UNREAD = (
    select(
        members.c.conversation_id,
        UNREAD.label("unread"),
        (
            _counted(messages.c.mentions_all, *_OF_OTHERS)
            + select(func.count())
            .select_from(mentions)
            .where(
                mentions.c.conversation_id == members.c.conversation_id,
                mentions.c.user_id == members.c.user_id,
                mentions.c.seq > members.c.last_read_seq,
            )
            .correlate(members)
            .scalar_subquery()
        ).label("mentions"),
    )
    .join(conversations, conversations.c.id == members.c.conversation_id)
    .where(*_MARKED)
)


def first_members(connection: Connection, workspace_id: str, conversation_ids: list[str]) -> dict[str, list[Member]]:
    """Those who joined first, by conversation."""
    found: dict[str, list[Member]] = {id_: [] for id_ in conversation_ids}
    query = _FIRST_MEMBERS[connection.dialect.name]
    for row in connection.execute(query, {"workspace_id": workspace_id, "ids": conversation_ids}):
        found[row.conversation_id].append(member_of(row))
    return {id_: joined[:FIRST_MEMBERS] for id_, joined in found.items()}  # Several may have joined at one moment.


def unread_counts(
    connection: Connection, workspace_id: str, user_id: str, conversation_ids: Sequence[str]
) -> dict[str, Counts]:
    """What is unread for the user in those of the conversations that they are in."""
    key = {"workspace_id": workspace_id, "user_id": user_id, "ids": list(conversation_ids)}
    return {row.conversation_id: Counts(row.unread, row.mentions) for row in connection.execute(_UNREAD, key)}

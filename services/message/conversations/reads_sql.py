"""Queries about members and unread messages that reading and writing share."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, ScalarSelect, bindparam, func, select

from services.message.conversations.domain import FIRST_MEMBERS, Counts, Member
from services.message.rows import MEMBER, member_of
from services.message.tables import conversations, members, mentions, messages

_RANKED = (
    select(
        *MEMBER,
        func.row_number()
        .over(partition_by=members.c.conversation_id, order_by=(members.c.joined_at, members.c.user_id))
        .label("rank"),
    )
    .where(
        members.c.workspace_id == bindparam("workspace_id"),
        members.c.conversation_id.in_(bindparam("ids", expanding=True)),
    )
    .subquery()
)
_FIRST_MEMBERS = (
    select(*[_RANKED.c[column.name] for column in MEMBER])
    .where(_RANKED.c.rank <= FIRST_MEMBERS)
    .order_by(_RANKED.c.conversation_id, _RANKED.c.rank)
)
_MARKED = (
    members.c.workspace_id == bindparam("workspace_id"),
    members.c.user_id == bindparam("user_id"),
    members.c.conversation_id.in_(bindparam("ids", expanding=True)),
)
_AFTER = (messages.c.conversation_id == members.c.conversation_id, messages.c.seq > members.c.last_read_seq)
_OF_OTHERS = (messages.c.sender_id != members.c.user_id, messages.c.deleted_at.is_(None))


def _counted(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(messages).where(*_AFTER, *conditions).correlate(members).scalar_subquery()


# Numbers have no gaps, so what is unread is known from them, but for what is one's own or deleted: both are few, and
# have an index. So a count costs the same however much is unread.
_UNREAD = (
    select(
        members.c.conversation_id,
        (
            conversations.c.last_seq
            - members.c.last_read_seq
            - _counted(messages.c.sender_id == members.c.user_id)
            - _counted(messages.c.deleted_at.is_not(None), messages.c.sender_id != members.c.user_id)
        ).label("unread"),
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
    for row in connection.execute(_FIRST_MEMBERS, {"workspace_id": workspace_id, "ids": conversation_ids}):
        found[row.conversation_id].append(member_of(row))
    return found


def unread_counts(
    connection: Connection, workspace_id: str, user_id: str, conversation_ids: Sequence[str]
) -> dict[str, Counts]:
    """What is unread for the user in those of the conversations that they are in."""
    key = {"workspace_id": workspace_id, "user_id": user_id, "ids": list(conversation_ids)}
    return {row.conversation_id: Counts(row.unread, row.mentions) for row in connection.execute(_UNREAD, key)}

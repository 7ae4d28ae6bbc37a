"""Queries about members and unread messages that reading and writing share."""

from sqlalchemy import Connection, and_, bindparam, func, select

from services.message.conversations.domain import FIRST_MEMBERS, Member
from services.message.rows import MEMBER, member_of
from services.message.tables import members, messages

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
_UNREAD = (
    select(members.c.conversation_id, func.count())
    .join(
        messages,
        and_(
            messages.c.conversation_id == members.c.conversation_id,
            messages.c.seq > members.c.last_read_seq,
            messages.c.sender_id != members.c.user_id,
            messages.c.deleted_at.is_(None),
        ),
    )
    .where(
        members.c.workspace_id == bindparam("workspace_id"),
        members.c.user_id == bindparam("user_id"),
        members.c.conversation_id.in_(bindparam("ids", expanding=True)),
    )
    .group_by(members.c.conversation_id)
)


def first_members(connection: Connection, workspace_id: str, conversation_ids: list[str]) -> dict[str, list[Member]]:
    """Those who joined first, by conversation."""
    found: dict[str, list[Member]] = {id_: [] for id_ in conversation_ids}
    for row in connection.execute(_FIRST_MEMBERS, {"workspace_id": workspace_id, "ids": conversation_ids}):
        found[row.conversation_id].append(member_of(row))
    return found


def unread_counts(
    connection: Connection, workspace_id: str, user_id: str, conversation_ids: list[str]
) -> dict[str, int]:
    """Messages of others after the user's read mark that are not deleted; conversations without any are left out."""
    rows = connection.execute(_UNREAD, {"workspace_id": workspace_id, "user_id": user_id, "ids": conversation_ids})
    return dict(rows.all())

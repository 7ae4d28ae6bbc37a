"""Groups and their members in their tables."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from services.message.groups.domain import Filled, Group
from services.message.tables import group_members, groups

GROUP = groups.c[Group.__slots__]
_MEMBERS = (
    select(*group_members.c["group_id", "user_id"])
    .where(
        group_members.c.workspace_id == bindparam("workspace_id"),
        group_members.c.group_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(group_members.c.group_id, group_members.c.user_id)
)


def group_of(row: Sequence[Any]) -> Group:
    return Group(*row)


def member_ids(connection: Connection, workspace_id: str, group_ids: Iterable[str]) -> dict[str, list[str]]:
    """By group, in the order of their ids."""
    found: dict[str, list[str]] = {id_: [] for id_ in group_ids}
    for group_id, user_id in connection.execute(_MEMBERS, {"workspace_id": workspace_id, "ids": list(found)}):
        found[group_id].append(user_id)
    return found


def filled(connection: Connection, workspace_id: str, found: Sequence[Group]) -> list[Filled]:
    ids = member_ids(connection, workspace_id, [group.id for group in found])
    return [Filled(group, tuple(ids[group.id])) for group in found]

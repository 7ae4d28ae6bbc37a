"""How the journal carries out commands on groups, one at a time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from services.message.command import Command, Origin
from services.message.feed.domain import GROUP_UPDATED, Change
from services.message.groups import domain
from services.message.groups.domain import CreateGroup, DeleteGroup, Filled, Group, UpdateGroup
from services.message.groups.reads_sql import GROUP, group_of, member_ids
from services.message.groups.wire import group_body
from services.message.journal import Outcome
from services.message.tables import group_members, groups
from services.message.unit_sql import Handler, Told, Unit, UserKey, each

_BY_HANDLE = select(groups.c.id).where(
    groups.c.handle == bindparam("handle"), groups.c.workspace_id == bindparam("workspace_id")
)
_KEY = (groups.c.id == bindparam("key"), groups.c.workspace_id == bindparam("key_workspace"))
_ONE, _UPDATE, _DELETE = select(*GROUP).where(*_KEY), update(groups).where(*_KEY), delete(groups).where(*_KEY)
_LOCK = (
    select(groups.c.id)
    .where(groups.c.workspace_id == bindparam("workspace_id"), groups.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(groups.c.id)
    .with_for_update()
)
_INSERT, _INSERT_MEMBERS = insert(groups), insert(group_members)
_OF_GROUP = (
    group_members.c.workspace_id == bindparam("key_workspace"),
    group_members.c.group_id == bindparam("key"),
)
_DELETE_MEMBERS = delete(group_members).where(*_OF_GROUP)
_DELETE_SOME = _DELETE_MEMBERS.where(group_members.c.user_id.in_(bindparam("user_ids", expanding=True)))


def create(unit: Unit, command: CreateGroup) -> Outcome:
    """Answers the group with its members."""
    origin = command.origin
    handle = {"handle": command.handle, "workspace_id": origin.workspace_id}
    if unit.connection.scalar(_BY_HANDLE, handle) is not None:
        raise domain.taken()
    group = Group(command.id, origin.workspace_id, command.handle, command.name, unit.at, unit.at)
    unit.connection.execute(_INSERT, asdict(group))
    _insert_members(unit, group, command.user_ids)
    unit.note("group.created", origin, group.id, handle=group.handle)
    return Outcome(Filled(group, tuple(sorted(command.user_ids))), _tell(unit, group, origin, command.user_ids))


def change(unit: Unit, command: UpdateGroup) -> Outcome:
    """Answers the group with its members."""
    group, before = _found(unit, command.origin, command.id)
    after = before if command.user_ids is None else set(command.user_ids)
    name = group.name if command.name is None else command.name
    if (name, after) == (group.name, before):
        return Outcome(Filled(group, tuple(sorted(before))))
    changed = replace(group, name=name, updated_at=unit.at)
    unit.connection.execute(_UPDATE, {**_key(group), "name": name, "updated_at": unit.at})
    if gone := before - after:
        unit.connection.execute(_DELETE_SOME, {**_key(group), "user_ids": sorted(gone)})
    _insert_members(unit, group, after - before)
    unit.note("group.updated", command.origin, group.id, handle=group.handle)
    told = after if name != group.name else after - before
    changes = _tell(unit, changed, command.origin, told) + _tell(unit, changed, command.origin, gone, is_gone=True)
    return Outcome(Filled(changed, tuple(sorted(after))), changes)


def remove(unit: Unit, command: DeleteGroup) -> Outcome:
    group, before = _found(unit, command.origin, command.id)
    unit.connection.execute(_DELETE_MEMBERS, _key(group))
    unit.connection.execute(_DELETE, _key(group))
    unit.note("group.deleted", command.origin, group.id, handle=group.handle)
    return Outcome(None, _tell(unit, group, command.origin, before, is_gone=True))


def told(connection: Connection, commands: Sequence[UpdateGroup | DeleteGroup]) -> set[UserKey]:
    """Who is in the groups, which are locked from now on."""
    by_workspace: defaultdict[str, set[str]] = defaultdict(set)
    for command in commands:
        by_workspace[command.origin.workspace_id].add(command.id)
    found: set[UserKey] = set()
    for workspace_id, ids in sorted(by_workspace.items()):
        locked = connection.scalars(_LOCK, {"workspace_id": workspace_id, "ids": sorted(ids)}).all()
        members = member_ids(connection, workspace_id, locked)
        found |= {(workspace_id, user_id) for user_ids in members.values() for user_id in user_ids}
    return found


def _found(unit: Unit, origin: Origin, group_id: str) -> tuple[Group, set[str]]:
    row = unit.connection.execute(_ONE, {"key": group_id, "key_workspace": origin.workspace_id}).one_or_none()
    if row is None:
        raise domain.not_found()
    return group_of(row), set(member_ids(unit.connection, origin.workspace_id, [group_id])[group_id])


def _insert_members(unit: Unit, group: Group, user_ids: Iterable[str]) -> None:
    rows = [{"group_id": group.id, "workspace_id": group.workspace_id, "user_id": user_id} for user_id in user_ids]
    if rows:
        unit.connection.execute(_INSERT_MEMBERS, rows)


def _tell(unit: Unit, group: Group, origin: Origin, user_ids: Iterable[str], *, is_gone: bool = False) -> list[Change]:
    body = group_body(group, is_gone=is_gone)
    return [unit.user_change(GROUP_UPDATED, user_id, "", origin, body) for user_id in sorted(user_ids)]


def _key(group: Group) -> dict[str, str]:
    return {"key": group.id, "key_workspace": group.workspace_id}


HANDLERS: Mapping[type[Command], Handler] = {
    CreateGroup: each(create),
    UpdateGroup: each(change),
    DeleteGroup: each(remove),
}
TOLD: Mapping[type[Command], Told] = {UpdateGroup: told, DeleteGroup: told}

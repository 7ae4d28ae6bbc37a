"""How accounts change, inside a transaction that holds the lock of their row; and what is told of it."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from chat.event.v1 import user_events_pb2 as events
from mesh.errors import Forbidden, WrongState
from services.user import outbox_sql
from services.user.accounts.domain import Account, Kind, Role
from services.user.accounts.reads_sql import to_row
from services.user.accounts.wire import to_user
from services.user.outbox_sql import Origin
from services.user.tables import users, workspaces

_STATUS = ("status_text", "status_emoji", "status_expires_at")
_SHOWN = ("username", "full_name", "avatar", "bio", "role")


def save(connection: Connection, before: Account, after: Account, now: datetime) -> Account:
    """Writes what differs, and raises the version; nothing when nothing differs. Answers what is stored then."""
    if after == before:
        return before
    after = replace(after, version=before.version + 1, updated_at=now)
    old, new = to_row(before), to_row(after)
    changed = {name: value for name, value in new.items() if value != old[name]}
    connection.execute(update(users).where(users.c.id == before.id).values(changed))
    return after


def save_profile(connection: Connection, before: Account, after: Account, now: datetime, source: Origin) -> Account:
    """Writes what differs of what everybody sees, and tells everybody."""
    saved = save(connection, before, after, now)
    changed = changed_fields(before, saved)
    if changed:
        user = to_user(saved, now)
        outbox_sql.append(
            connection,
            saved.id,
            lambda pos: events.UserUpdated(pos=pos, user=user, changed=changed),
            now,
            source,
        )
    return saved


def save_own(connection: Connection, before: Account, after: Account, now: datetime, source: Origin) -> Account:
    """The same for a change by the owner, who was active by it."""
    saved = save_profile(connection, before, after, now, source)
    changed = changed_fields(before, saved)
    if changed:
        kind = events.ACTIVITY_STATUS if changed == ["status"] else events.ACTIVITY_PROFILE
        outbox_sql.append(connection, saved.id, outbox_sql.activity(saved.id, kind), now, source)
    return saved


def changed_fields(before: Account, after: Account) -> list[str]:
    """The fields of the public profile that differ, as the contract names them."""
    changed = [name for name in _SHOWN if getattr(before, name) != getattr(after, name)]
    return changed + (["status"] if any(getattr(before, name) != getattr(after, name) for name in _STATUS) else [])


def lock_workspace(connection: Connection, workspace_id: str) -> None:
    """Lets one transaction at a time decide about the admins of a workspace. Comes before the locks of its users."""
    query = select(workspaces.c.id).where(workspaces.c.id == workspace_id)
    connection.execute(query.with_for_update(key_share=True))


def check_admin(connection: Connection, workspace_id: str, account_id: str) -> None:
    """Raises Forbidden (PERMISSION_DENIED) when it is no admin: the token may be older than what it is now."""
    query = select(users.c.id).where(
        users.c.workspace_id == workspace_id, users.c.id == account_id, users.c.role == Role.ADMIN, users.c.is_active
    )
    if connection.execute(query).first() is None:
        raise Forbidden("PERMISSION_DENIED", "This call is for administrators.")


def keep_an_admin(connection: Connection, account: Account) -> None:
    """Raises WrongState (LAST_ADMIN) when nobody but `account` administrates the workspace, which is locked."""
    if account.role != Role.ADMIN or not account.is_active:
        return
    others = select(func.count()).where(
        users.c.workspace_id == account.workspace_id,
        users.c.role == Role.ADMIN,
        users.c.is_active,
        users.c.kind == Kind.PERSON,
        users.c.id != account.id,
    )
    if not connection.execute(others).scalar():
        raise WrongState("LAST_ADMIN", "The workspace would be left without an admin. Make somebody else one first.")

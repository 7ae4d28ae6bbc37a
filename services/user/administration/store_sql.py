"""What admins change, in SQL. The row of the workspace lets one at a time decide."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, exists, select

from chat.event.v1 import user_events_pb2 as events
from mesh.audit.entry import Entry, entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from mesh.errors import NotFound
from services.user import outbox_sql
from services.user.accounts.domain import Account, Role
from services.user.accounts.reads_sql import lock
from services.user.accounts.writes_sql import check_admin, keep_an_admin, lock_workspace, save, save_profile
from services.user.administration.domain import reactivated, suspended, with_role
from services.user.credentials.writes_sql import void
from services.user.sessions.writes_sql import end_sessions
from services.user.tables import users, workspaces


class SqlAdministrationStore:
    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail

    async def suspend(self, workspace_id: str, account_id: str, *, by: str, reason: str, now: datetime) -> Account:
        detail = {"reason": reason} if reason else {}
        noted, source = entry("user.suspended", at=now, subject_id=account_id, **detail), outbox_sql.origin()

        def change(connection: Connection, before: Account) -> Account:
            after = suspended(before)
            if after == before:
                return before
            keep_an_admin(connection, before)
            after = save(connection, before, after, now)
            void(connection, account_id)
            outbox_sql.append(connection, account_id, outbox_sql.fact(events.UserSuspended, account_id), now, source)
            end_sessions(connection, workspace_id, account_id, now, include_keys=True)
            return after

        return await self._change(workspace_id, account_id, by, change, noted)

    async def reactivate(self, workspace_id: str, account_id: str, *, by: str, now: datetime) -> Account:
        noted, source = entry("user.reactivated", at=now, subject_id=account_id), outbox_sql.origin()

        def change(connection: Connection, before: Account) -> Account:
            after = reactivated(before)
            if after == before:
                return before
            outbox_sql.append(connection, account_id, outbox_sql.fact(events.UserReactivated, account_id), now, source)
            return save(connection, before, after, now)

        return await self._change(workspace_id, account_id, by, change, noted)

    async def set_role(self, workspace_id: str, account_id: str, role: Role, *, by: str, now: datetime) -> Account:
        noted, source = entry("role.changed", at=now, subject_id=account_id, role=role), outbox_sql.origin()

        def change(connection: Connection, before: Account) -> Account:
            return _give_role(connection, before, role, now, source)

        return await self._change(workspace_id, account_id, by, change, noted)

    async def grant(self, workspace_id: str, username: str, role: Role, now: datetime) -> Account:
        source = outbox_sql.origin()
        theirs = select(users.c.id).where(users.c.workspace_id == workspace_id, users.c.username == username.lower())

        def work(connection: Connection) -> Account:
            if not connection.execute(select(exists().where(workspaces.c.id == workspace_id))).scalar():
                raise NotFound("WORKSPACE_NOT_FOUND", "There is no such workspace.")
            lock_workspace(connection, workspace_id)
            before = lock(connection, workspace_id, connection.execute(theirs).scalar() or "")
            after = _give_role(connection, before, role, now, source)
            if after != before:
                noted = entry("role.changed", at=now, workspace_id=workspace_id, subject_id=before.id, role=role)
                note(connection, self._trail, noted)
            return after

        return await self._database.write(work)

    async def _change(
        self,
        workspace_id: str,
        account_id: str,
        by: str,
        change: Callable[[Connection, Account], Account],
        noted: Entry,
    ) -> Account:
        def work(connection: Connection) -> Account:
            lock_workspace(connection, workspace_id)
            check_admin(connection, workspace_id, by)
            before = lock(connection, workspace_id, account_id)
            after = change(connection, before)
            if after != before:
                note(connection, self._trail, noted)
            return after

        return await self._database.write(work)


def _give_role(
    connection: Connection, before: Account, role: Role, now: datetime, source: outbox_sql.Origin
) -> Account:
    after = with_role(before, role)
    if after == before:
        return before
    keep_an_admin(connection, before)
    after = save_profile(connection, before, after, now, source)
    end_sessions(connection, before.workspace_id, before.id, now)  # Their tokens carry the role before.
    return after

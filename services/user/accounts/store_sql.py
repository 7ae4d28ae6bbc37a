"""Accounts in SQL. Unique indexes decide who gets a name."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from chat.event.v1 import user_events_pb2 as events
from mesh.audit.entry import entry
from mesh.audit.log import Trail, note
from mesh.call.context import current
from mesh.database import Database
from mesh.errors import Conflict, NotFound
from mesh.page import Place, Slice
from services.user import outbox_sql
from services.user.accounts.domain import Account, Credentials, check_etag, email_key, is_email
from services.user.accounts.erasure_sql import erase
from services.user.accounts.export import Export
from services.user.accounts.export_sql import read_export
from services.user.accounts.reads_sql import COLUMNS, lock, read_page, to_domain, to_row
from services.user.accounts.store import Edit
from services.user.accounts.wire import to_user
from services.user.accounts.writes_sql import check_admin, keep_an_admin, lock_workspace, save_own
from services.user.credentials.domain import Letter
from services.user.credentials.writes_sql import send
from services.user.mail.outbox_sql import SqlMailOutbox
from services.user.tables import users, workspaces


class SqlAccountStore:
    def __init__(self, database: Database, trail: Trail, mails: SqlMailOutbox) -> None:
        self._database = database
        self._trail = trail
        self._mails = mails

    async def add(self, account: Account, password_hash: str, letter: Letter | None = None) -> None:
        source, now = outbox_sql.origin(), account.created_at
        actor_id = None if current().principal else account.id  # Who registers is nobody yet; who makes a bot is.
        noted = entry(
            "user.registered", subject_id=account.id, at=now, actor_id=actor_id, workspace_id=account.workspace_id
        )

        def work(connection: Connection) -> None:
            if not connection.execute(select(exists().where(workspaces.c.id == account.workspace_id))).scalar():
                raise NotFound("WORKSPACE_NOT_FOUND", "There is no such workspace.")
            row = to_row(account) | {"password_hash": password_hash, "last_pos": 0, "totp_secret": b"", "totp_step": 0}
            connection.execute(insert(users).values(row))
            user = to_user(account, now)
            outbox_sql.append(
                connection, account.id, lambda pos: events.UserRegistered(pos=pos, user=user), now, source
            )
            if letter is not None:
                send(connection, self._mails, letter)
            note(connection, self._trail, noted)

        try:
            await self._database.write(work)
        except IntegrityError:
            await self._raise_taken(account.workspace_id, account.username, account.email)
            raise
        self._mails.arrived.set()

    async def find(self, workspace_id: str, ids: Sequence[str]) -> Mapping[str, Account]:
        # By ids alone: SQLite would rather read a whole workspace than look up a dozen of them.
        query = select(*COLUMNS).where(users.c.id.in_(ids))
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return {row["id"]: to_domain(row) for row in rows if row["workspace_id"] == workspace_id}

    async def page(self, workspace_id: str, q: str, place: Place | None, limit: int) -> Slice[Account]:
        return await self._database.read(
            lambda connection: read_page(connection, workspace_id, q, place, limit), stale=True
        )

    async def credentials(self, workspace_id: str, login: str) -> Credentials | None:
        name = users.c.email_key == email_key(login) if is_email(login) else users.c.username == login.lower()
        return await self._credentials(workspace_id, name)

    async def credentials_of(self, workspace_id: str, account_id: str) -> Credentials | None:
        return await self._credentials(workspace_id, users.c.id == account_id)

    async def edit(self, workspace_id: str, account_id: str, edit: Edit, *, now: datetime, etag: str = "") -> Account:
        source = outbox_sql.origin()
        wanted = ""

        def work(connection: Connection) -> Account:
            nonlocal wanted
            before = lock(connection, workspace_id, account_id)
            check_etag(before, etag)
            after = edit(before)
            wanted = after.username
            return save_own(connection, before, after, now, source)

        try:
            return await self._database.write(work)
        except IntegrityError:
            await self._raise_taken(workspace_id, wanted, "")
            raise

    async def replace_password_hash(self, account_id: str, old: str, new: str) -> None:
        here = (users.c.id == account_id) & (users.c.password_hash == old)
        change = update(users).where(here).values(password_hash=new)
        await self._database.write(lambda connection: connection.execute(change))

    async def erase(self, workspace_id: str, account_id: str, *, by: str, now: datetime, etag: str = "") -> None:
        source, noted = outbox_sql.origin(), entry("user.erased", subject_id=account_id, at=now)

        def work(connection: Connection) -> None:
            lock_workspace(connection, workspace_id)
            if by != account_id:
                check_admin(connection, workspace_id, by)
            account = lock(connection, workspace_id, account_id)
            if account.erased_at is not None:
                return
            check_etag(account, etag)
            keep_an_admin(connection, account)
            erase(connection, account, now, source)
            note(connection, self._trail, noted)

        await self._database.write(work)
        await self._database.forget()

    async def export(self, workspace_id: str, account_id: str, *, by: str, now: datetime) -> Export:
        noted = entry("user.exported", subject_id=account_id, at=now)

        def work(connection: Connection) -> Export:
            if by != account_id:
                check_admin(connection, workspace_id, by)
            account = lock(connection, workspace_id, account_id)
            exported = read_export(connection, self._trail.log, account, now)
            note(connection, self._trail, noted)
            return exported

        return await self._database.write(work)

    async def _credentials(self, workspace_id: str, here: ColumnElement[bool]) -> Credentials | None:
        query = select(*COLUMNS, users.c.password_hash).where(users.c.workspace_id == workspace_id, here)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return None if row is None else Credentials(to_domain(row), row["password_hash"])

    async def _raise_taken(self, workspace_id: str, username: str, email: str) -> None:
        # Asked only now and in a transaction of its own: PostgreSQL has given up the one that failed.
        if await self._taken(workspace_id, "username", username):
            raise Conflict("USERNAME_TAKEN", "Another account has this username.") from None
        if await self._taken(workspace_id, "email_key", email_key(email)):
            raise Conflict("EMAIL_TAKEN", "Another account has this mail address.") from None

    async def _taken(self, workspace_id: str, column: str, value: str) -> bool:
        query = select(exists().where(users.c.workspace_id == workspace_id, users.c[column] == value))
        return bool(await self._database.read(lambda connection: connection.execute(query).scalar()))

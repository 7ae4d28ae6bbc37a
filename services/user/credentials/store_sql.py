"""Passwords, mail addresses and links in SQL."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, exists, select, update
from sqlalchemy.exc import IntegrityError

from chat.event.v1 import user_events_pb2 as events
from mesh.audit.entry import entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from mesh.errors import Conflict
from services.user import outbox_sql
from services.user.accounts.domain import Account, Credentials, email_key
from services.user.accounts.reads_sql import COLUMNS, lock, to_domain
from services.user.accounts.writes_sql import save
from services.user.attempts.domain import Subject, key_of
from services.user.attempts.store_sql import forget_failures
from services.user.credentials.domain import (
    Letter,
    Link,
    Purpose,
    bound_to_address,
    bound_to_password,
    invalid_link,
    wrong_password,
)
from services.user.credentials.writes_sql import find, pretend, send, take, void
from services.user.mail.domain import Mail
from services.user.mail.outbox_sql import SqlMailOutbox
from services.user.sessions.writes_sql import end_sessions
from services.user.tables import links, users


class SqlCredentialStore:
    def __init__(self, database: Database, trail: Trail, mails: SqlMailOutbox) -> None:
        self._database = database
        self._trail = trail
        self._mails = mails

    async def send(self, letter: Letter, *, known: bool = True) -> None:
        keep = send if known else pretend
        await self._database.write(lambda connection: keep(connection, self._mails, letter))
        self._mails.arrived.set()

    async def ask_reset(self, letter: Letter, now: datetime, *, known: bool) -> None:
        keep, link = send if known else pretend, letter.link
        noted = entry("password.reset_asked", at=now, workspace_id=link.workspace_id, subject_id=link.user_id)

        def work(connection: Connection) -> None:
            keep(connection, self._mails, letter)
            note(connection, self._trail, noted)

        await self._database.write(work)
        self._mails.arrived.set()

    async def is_free(self, workspace_id: str, email: str, account_id: str) -> bool:
        theirs = (users.c.workspace_id == workspace_id) & (users.c.email_key == email_key(email))
        query = select(exists().where(theirs, users.c.id != account_id))
        return not await self._database.read(lambda connection: connection.execute(query).scalar())

    async def look_at(self, token: bytes, *purposes: Purpose, now: datetime) -> tuple[Link, Credentials]:
        def work(connection: Connection) -> tuple[Link, Credentials]:
            link = find(connection, token, purposes, now)
            if link is None:
                raise invalid_link()
            here = (users.c.workspace_id == link.workspace_id) & (users.c.id == link.user_id)
            row = connection.execute(select(*COLUMNS, users.c.password_hash).where(here)).mappings().one()
            known = Credentials(to_domain(row), row["password_hash"])
            _check_good(link, known)
            return link, known

        return await self._database.read(work)

    async def use_verification(self, token: bytes, now: datetime, notice: Mail | None = None) -> None:
        source = outbox_sql.origin()
        link, _ = await self.look_at(token, Purpose.VERIFY, Purpose.EMAIL, now=now)
        action = "email.changed" if link.purpose is Purpose.EMAIL else "email.verified"
        noted = entry(action, at=now, workspace_id=link.workspace_id, subject_id=link.user_id, actor_id=link.user_id)

        def work(connection: Connection) -> None:
            before = self._use(connection, token, now, link.purpose)
            save(connection, before, replace(before, email=link.email, is_verified=True), now)
            outbox_sql.append(connection, before.id, outbox_sql.fact(events.UserVerified, before.id), now, source)
            if link.purpose is Purpose.EMAIL:
                # What was sent to the address before must not open the account any more.
                void(connection, before.id)
                activity = outbox_sql.activity(before.id, events.ACTIVITY_PASSWORD)
                outbox_sql.append(connection, before.id, activity, now, source)
            if notice is not None:
                self._mails.enqueue(connection, notice)
            note(connection, self._trail, noted)

        try:
            await self._database.write(work)
        except IntegrityError:
            raise Conflict("EMAIL_TAKEN", "Another account has this mail address.") from None
        self._mails.arrived.set()

    async def use_reset(self, token: bytes, password_hash: str, notice: Mail, now: datetime) -> None:
        source = outbox_sql.origin()
        workspace_id, user_id = notice.workspace_id, notice.user_id
        noted = entry("password.reset", at=now, workspace_id=workspace_id, subject_id=user_id, actor_id=user_id)

        def work(connection: Connection) -> None:
            account = self._use(connection, token, now, Purpose.RESET)
            forget_failures(connection, _failures_of(account))
            self._replace(connection, account, password_hash, now, source, keep=None)
            self._mails.enqueue(connection, notice)
            note(connection, self._trail, noted)

        await self._database.write(work)
        self._mails.arrived.set()

    async def use_unlock(self, token: bytes, now: datetime) -> None:
        link, _ = await self.look_at(token, Purpose.UNLOCK, now=now)
        noted = entry(
            "login.unlocked", at=now, workspace_id=link.workspace_id, subject_id=link.user_id, actor_id=link.user_id
        )

        def work(connection: Connection) -> None:
            forget_failures(connection, _failures_of(self._use(connection, token, now, Purpose.UNLOCK)))
            note(connection, self._trail, noted)

        await self._database.write(work)

    async def change_password(
        self, known: Credentials, password_hash: str, notice: Mail, *, keep: str, now: datetime
    ) -> None:
        source, account = outbox_sql.origin(), known.account
        noted = entry("password.changed", at=now, subject_id=account.id)

        def work(connection: Connection) -> None:
            present = _lock_credentials(connection, account.workspace_id, account.id)
            if present.password_hash != known.password_hash:
                raise wrong_password()
            self._replace(connection, account, password_hash, now, source, keep=keep)
            self._mails.enqueue(connection, notice)
            note(connection, self._trail, noted)

        await self._database.write(work)
        self._mails.arrived.set()

    async def sweep(self, now: datetime, limit: int) -> int:
        ended = select(links.c.hash).where(links.c.expires_at <= now).limit(limit)
        swept = delete(links).where(links.c.hash.in_(ended))
        return await self._database.write(lambda connection: connection.execute(swept).rowcount)

    def _use(self, connection: Connection, token: bytes, now: datetime, purpose: Purpose) -> Account:
        """Uses a link up; the account whose it was. The user's row is locked first, as by all that voids links."""
        link = find(connection, token, (purpose,), now)
        if link is None:
            raise invalid_link()
        known = _lock_credentials(connection, link.workspace_id, link.user_id)
        if not take(connection, token):
            raise invalid_link()
        _check_good(link, known)
        return known.account

    def _replace(
        self,
        connection: Connection,
        account: Account,
        password_hash: str,
        now: datetime,
        source: outbox_sql.Origin,
        *,
        keep: str | None,
    ) -> None:
        """Another password, which voids whatever the one before it could have opened."""
        connection.execute(update(users).where(users.c.id == account.id).values(password_hash=password_hash))
        void(connection, account.id, Purpose.RESET, Purpose.UNLOCK)
        activity = outbox_sql.activity(account.id, events.ACTIVITY_PASSWORD, keep or "")
        outbox_sql.append(connection, account.id, activity, now, source)
        end_sessions(connection, account.workspace_id, account.id, now, keep=keep)


def _lock_credentials(connection: Connection, workspace_id: str, account_id: str) -> Credentials:
    account = lock(connection, workspace_id, account_id)
    query = select(users.c.password_hash).where(users.c.id == account_id)
    return Credentials(account, connection.execute(query).scalar_one())


def _check_good(link: Link, known: Credentials) -> None:
    """Raises Invalid (LINK_INVALID) when what the link is bound to no longer holds."""
    present = {
        Purpose.VERIFY: bound_to_address(known.account.email),
        Purpose.EMAIL: bound_to_address(known.account.email),
        Purpose.RESET: bound_to_password(known.password_hash),
        Purpose.UNLOCK: b"",
    }
    if link.bound_to != present[link.purpose] or not known.account.is_active:
        raise invalid_link()


def _failures_of(account: Account) -> list[bytes]:
    return [key_of(Subject.LOGIN, account.workspace_id, name) for name in (account.username, account.email)]

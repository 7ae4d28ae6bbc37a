"""Failures in SQL, one row for what is tried."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mesh.audit.entry import entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from services.user.accounts.domain import Account
from services.user.attempts.domain import FORGOTTEN_AFTER, Failures, pause_after
from services.user.credentials.letters import Letters, nobody
from services.user.credentials.writes_sql import pretend, send
from services.user.mail.outbox_sql import SqlMailOutbox
from services.user.tables import login_failures


class SqlAttemptStore:
    def __init__(self, database: Database, trail: Trail, mails: SqlMailOutbox, letters: Letters) -> None:
        self._database = database
        self._trail = trail
        self._mails = mails
        self._letters = letters

    async def get(self, key: bytes) -> Failures | None:
        query = select(login_failures.c.failures, login_failures.c.blocked_until).where(login_failures.c.key == key)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else Failures(row.failures, row.blocked_until)

    async def fail(self, key: bytes, now: datetime) -> Failures:
        def work(connection: Connection) -> Failures:
            count = connection.execute(_count(connection, key, now)).scalar_one()
            failures = Failures(count, now + pause_after(count))
            here = login_failures.c.key == key
            connection.execute(update(login_failures).where(here).values(blocked_until=failures.blocked_until))
            return failures

        return await self._database.write(work)

    async def lock(self, account: Account | None, workspace_id: str, now: datetime) -> None:
        letter = self._letters.unlock(account or nobody(workspace_id, now), now)
        subject_id = account.id if account else ""
        noted = entry("login.locked", at=now, workspace_id=workspace_id, subject_id=subject_id)

        def work(connection: Connection) -> None:
            (send if account else pretend)(connection, self._mails, letter)
            note(connection, self._trail, noted)

        await self._database.write(work)
        self._mails.arrived.set()

    async def clear(self, keys: Sequence[bytes]) -> None:
        await self._database.write(lambda connection: forget_failures(connection, keys))

    async def sweep(self, now: datetime, limit: int) -> int:
        known = login_failures.c
        old = select(known.key).where(known.last_at < now - FORGOTTEN_AFTER).limit(limit)
        swept = delete(login_failures).where(known.key.in_(old))
        return await self._database.write(lambda connection: connection.execute(swept).rowcount)


def forget_failures(connection: Connection, keys: Sequence[bytes]) -> None:
    connection.execute(delete(login_failures).where(login_failures.c.key.in_(keys)))


def _count(connection: Connection, key: bytes, now: datetime) -> Any:
    """Counts one more, from none where there are none or where they are forgotten; the row is locked by this."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    first = dialect.insert(login_failures).values(key=key, failures=1, last_at=now, blocked_until=now)
    known = login_failures.c
    count = case((known.last_at < now - FORGOTTEN_AFTER, 1), else_=known.failures + 1)
    raised = first.on_conflict_do_update(index_elements=["key"], set_={"failures": count, "last_at": now})
    return raised.returning(known.failures)

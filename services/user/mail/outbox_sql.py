"""Mails in SQL, sealed: who reads the database gets no links out of it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection, delete, func, insert, select, update

from mesh.database import Database
from mesh.sealing import Sealer
from services.user.mail.domain import Mail
from services.user.mail.outbox import Claimed
from services.user.tables import mails

log = structlog.get_logger()


class SqlMailOutbox:
    """The MailOutbox. Of the mails that were sent the newest `keep` stay, to be looked at."""

    def __init__(self, database: Database, sealer: Sealer, *, keep: int = 0) -> None:
        self._database = database
        self._sealer = sealer
        self._keep = keep
        self.arrived = asyncio.Event()

    def enqueue(self, connection: Connection, mail: Mail) -> None:
        """Puts a mail into the outbox, in the caller's unit of work. Set `arrived` once that is committed."""
        connection.execute(
            insert(mails).values(
                id=mail.id,
                workspace_id=mail.workspace_id,
                user_id=mail.user_id,
                sealed=self._sealer.seal(mail.content, mail.id),
                created_at=mail.created_at,
                attempts=0,
                next_at=mail.created_at,
            )
        )

    def pretend(self, connection: Connection, mail: Mail) -> None:
        """Does the work of `enqueue`, for nobody: who measures cannot tell whether a mail was put there."""
        self.enqueue(connection, mail)
        connection.execute(delete(mails).where(mails.c.id == mail.id))

    async def claim(self, limit: int, now: datetime, until: datetime) -> Sequence[Claimed]:
        due = select(mails.c.id).where(mails.c.next_at <= now).order_by(mails.c.next_at).limit(limit)
        claimed = (
            update(mails)
            .where(mails.c.id.in_(due.with_for_update(skip_locked=True).scalar_subquery()))
            .values(next_at=until, attempts=mails.c.attempts + 1)
            .returning(mails)
        )
        rows = await self._database.write(lambda connection: connection.execute(claimed).all())
        found = []
        for row in sorted(rows, key=lambda row: row.created_at):
            content = self._open(row.id, row.sealed)
            if content is None:
                await self.give_up(row.id)
            else:
                mail = Mail(row.id, row.workspace_id, row.user_id, content, row.created_at)
                found.append(Claimed(mail, row.attempts))
        return found

    async def sent(self, mail_id: str, now: datetime) -> None:
        marked = update(mails).where(mails.c.id == mail_id).values(sent_at=now, next_at=None)
        is_sent = mails.c.sent_at.is_not(None)
        newest = select(mails.c.id).where(is_sent).order_by(mails.c.sent_at.desc(), mails.c.id.desc()).limit(self._keep)
        old = delete(mails).where(is_sent, mails.c.id.not_in(newest))

        def work(connection: Connection) -> None:
            connection.execute(marked)
            connection.execute(old)

        await self._database.write(work)

    async def later(self, mail_id: str, at: datetime) -> None:
        change = update(mails).where(mails.c.id == mail_id).values(next_at=at)
        await self._database.write(lambda connection: connection.execute(change))

    async def give_up(self, mail_id: str) -> None:
        gone = delete(mails).where(mails.c.id == mail_id)
        await self._database.write(lambda connection: connection.execute(gone))

    async def waiting(self) -> int:
        query = select(func.count()).where(mails.c.next_at.is_not(None))
        return int(await self._database.read(lambda connection: connection.execute(query).scalar_one()))

    async def kept(self) -> Sequence[Mail]:
        """The mails that are kept to be looked at, newest first."""
        query = select(mails).where(mails.c.sent_at.is_not(None)).order_by(mails.c.created_at.desc(), mails.c.id.desc())
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        opened = [(row, self._open(row.id, row.sealed)) for row in rows]
        return [
            Mail(row.id, row.workspace_id, row.user_id, content, row.created_at)
            for row, content in opened
            if content is not None
        ]

    def _open(self, mail_id: str, sealed: bytes) -> bytes | None:
        try:
            return self._sealer.open(sealed, mail_id)
        except ValueError:
            log.error("a mail does not open: it was sealed with another secret", mail_id=mail_id)
            return None

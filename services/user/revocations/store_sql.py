"""The log of revocations in SQL."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from mesh.database import Database
from services.user.revocations.domain import Frame, Revocation
from services.user.tables import revocation_head, revocations

_HEAD = select(revocation_head.c.position).where(revocation_head.c.id == 1)


class SqlRevocationStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self) -> int:
        return await self._database.read(_head)

    async def after(self, position: int, now: datetime, limit: int) -> Frame:
        def work(connection: Connection) -> Frame:
            # Read before the entries: one that is committed in between may be told twice, but is not skipped.
            head = _head(connection)
            start = position if position <= head else 0
            log = revocations.c
            query = select(log.position, log.session_id, log.expires_at).where(
                log.position > start, log.expires_at > now
            )
            rows = connection.execute(query.order_by(log.position).limit(limit)).all()
            items = [Revocation(session_id, expires_at) for _, session_id, expires_at in rows]
            last = rows[-1][0] if rows else head
            return Frame(items, last if len(rows) == limit else max(head, last))

        return await self._database.read(work)

    async def sweep(self, now: datetime, limit: int) -> int:
        old = select(revocations.c.position).where(revocations.c.expires_at <= now).limit(limit)
        gone = delete(revocations).where(revocations.c.position.in_(old))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount)


def _head(connection: Connection) -> int:
    position: int = connection.execute(_HEAD).scalar_one()
    return position

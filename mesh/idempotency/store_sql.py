"""Idempotency keys in SQL: a row is a claim, and one statement decides who has it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mesh.database import Database
from mesh.idempotency.store import Claim, Kept

_INSERT: Mapping[str, Callable[[Table], Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class SqlIdempotencyStore:
    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._table = table

    async def claim(self, claim: Claim, now: datetime) -> Kept | None:
        rows = self._table.c
        values = {
            "workspace_id": claim.workspace_id,
            "fingerprint": claim.fingerprint,
            "leased_until": claim.leased_until,
            "expires_at": claim.expires_at,
            "answer": None,
        }
        dead = or_(rows.expires_at <= now, and_(rows.answer.is_(None), rows.leased_until <= now))
        kept = select(rows.fingerprint, rows.answer).where(rows.hash == claim.hash)

        def work(connection: Connection) -> Kept | None:
            inserted = _INSERT[connection.dialect.name](self._table).values(hash=claim.hash, **values)
            claimed = inserted.on_conflict_do_update(index_elements=["hash"], set_=values, where=dead)
            if connection.execute(claimed.returning(rows.hash)).first():
                return None
            row = connection.execute(kept).first()
            # One that was given back in this very moment still counts as running: the next look finds it gone.
            return Kept(row.fingerprint, row.answer) if row else Kept(claim.fingerprint, None)

        return await self._database.write(work)

    async def finish(self, claim: Claim, answer: bytes) -> bool:
        finished = update(self._table).where(self._is(claim)).values(answer=answer)
        return await self._database.write(lambda connection: connection.execute(finished).rowcount == 1)

    async def release(self, claim: Claim) -> None:
        released = delete(self._table).where(self._is(claim))
        await self._database.write(lambda connection: connection.execute(released))

    async def sweep(self, now: datetime, limit: int) -> int:
        rows = self._table.c
        old = select(rows.hash).where(rows.expires_at <= now).limit(limit).with_for_update(skip_locked=True)
        swept = delete(self._table).where(rows.hash.in_(old))
        return await self._database.write(lambda connection: connection.execute(swept).rowcount)

    def _is(self, claim: Claim) -> ColumnElement[bool]:
        """The row while the claim holds: who takes over has a later lease."""
        rows = self._table.c
        return and_(rows.hash == claim.hash, rows.leased_until == claim.leased_until, rows.answer.is_(None))

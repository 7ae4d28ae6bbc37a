"""Second factors in SQL: the secret stands with the user, whose row decides between calls at the same time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from mesh.audit.entry import Entry, entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from mesh.errors import WrongState
from services.user.factors.domain import Factor
from services.user.tables import recovery_codes, users


class SqlFactorStore:
    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail

    async def get(self, workspace_id: str, user_id: str) -> Factor | None:
        left = select(func.count()).where(recovery_codes.c.user_id == user_id).scalar_subquery()
        query = select(users.c.totp_secret, users.c.totp_step, left).where(_here(workspace_id, user_id))
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return Factor(*row) if row is not None and row[0] else None

    async def add(
        self, workspace_id: str, user_id: str, secret: bytes, step: int, codes: Sequence[bytes], now: datetime
    ) -> None:
        noted = entry("factor.added", subject_id=user_id, at=now)

        def work(connection: Connection) -> None:
            free = func.length(users.c.totp_secret) == 0
            values = {"totp_secret": secret, "totp_step": step, **_changed(now)}
            if not connection.execute(update(users).where(_here(workspace_id, user_id), free).values(values)).rowcount:
                raise WrongState("SECOND_FACTOR_ON", "There is a second factor already. Take it away first.")
            self._put_codes(connection, workspace_id, user_id, codes)
            note(connection, self._trail, noted)

        await self._database.write(work)

    async def use_step(self, workspace_id: str, user_id: str, step: int) -> bool:
        later = update(users).where(_here(workspace_id, user_id), users.c.totp_step < step).values(totp_step=step)
        return bool(await self._database.write(lambda connection: connection.execute(later).rowcount))

    async def use_code(self, workspace_id: str, user_id: str, code: bytes) -> bool:
        codes = recovery_codes.c
        used = delete(recovery_codes).where(
            codes.workspace_id == workspace_id, codes.user_id == user_id, codes.hash == code
        )
        return bool(await self._database.write(lambda connection: connection.execute(used).rowcount))

    async def replace_codes(self, workspace_id: str, user_id: str, codes: Sequence[bytes], now: datetime) -> None:
        noted = entry("factor.codes_replaced", subject_id=user_id, at=now)
        await self._change(workspace_id, user_id, codes, _changed(now), noted)

    async def remove(self, workspace_id: str, user_id: str, now: datetime) -> None:
        noted = entry("factor.removed", subject_id=user_id, at=now)
        await self._change(workspace_id, user_id, (), {"totp_secret": b"", "totp_step": 0, **_changed(now)}, noted)

    async def _change(
        self, workspace_id: str, user_id: str, codes: Sequence[bytes], values: dict[str, object], noted: Entry
    ) -> None:
        def work(connection: Connection) -> None:
            there = func.length(users.c.totp_secret) > 0
            if not connection.execute(update(users).where(_here(workspace_id, user_id), there).values(values)).rowcount:
                raise WrongState("SECOND_FACTOR_OFF", "There is no second factor.")
            connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
            self._put_codes(connection, workspace_id, user_id, codes)
            note(connection, self._trail, noted)

        await self._database.write(work)

    def _put_codes(self, connection: Connection, workspace_id: str, user_id: str, codes: Sequence[bytes]) -> None:
        if codes:
            rows = [{"workspace_id": workspace_id, "user_id": user_id, "hash": code} for code in codes]
            connection.execute(insert(recovery_codes), rows)


def _here(workspace_id: str, user_id: str) -> ColumnElement[bool]:
    return (users.c.workspace_id == workspace_id) & (users.c.id == user_id)


def _changed(now: datetime) -> dict[str, object]:
    return {"version": users.c.version + 1, "updated_at": now}

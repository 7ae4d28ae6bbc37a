"""API keys in SQL."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, func, insert, or_, select, update

from mesh.audit.entry import entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from mesh.errors import NotFound
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.user.accounts.domain import Role
from services.user.api_keys.domain import KEPT, USED_EVERY, ApiKey, check_quota
from services.user.api_keys.store import Bearer
from services.user.revocations.writes_sql import revoke
from services.user.sessions.writes_sql import lock_user
from services.user.tables import api_keys, users

_KEYS = api_keys.c
_COLUMNS = [_KEYS[field.name] for field in fields(ApiKey)]
_OWNERS = users.alias()
# Made once: building it costs more than asking it.
_BEARER = (
    select(*_COLUMNS, users.c.role.label("role"))
    .join(users, users.c.id == _KEYS.user_id)
    .outerjoin(_OWNERS, _OWNERS.c.id == users.c.owner_id)
    .where(
        _KEYS.hash == bindparam("hash"),
        _KEYS.revoked_at.is_(None),
        or_(_KEYS.expires_at.is_(None), _KEYS.expires_at > bindparam("now")),
        users.c.is_active,
        _OWNERS.c.is_active.is_not(False),
    )
)


class SqlApiKeyStore:
    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail

    async def add(self, key: ApiKey, hash_: bytes) -> None:
        noted = entry(
            "api_key.created", subject_id=key.user_id, at=key.created_at, key=key.id, scopes=" ".join(key.scopes)
        )

        def work(connection: Connection) -> None:
            # Whoever shuts the maker out waits for this, or has been before it: no key is left behind.
            if not lock_user(connection, key.created_by) or not connection.scalar(_may_have(key)):
                raise NotFound("USER_NOT_FOUND", "There is no such user.")
            there = _theirs(key.workspace_id, key.user_id) & _good(key.created_at)
            check_quota(connection.scalar(select(func.count()).where(there)) or 0)
            row = asdict(key) | {"scopes": " ".join(key.scopes), "hash": hash_}
            connection.execute(insert(api_keys).values(row))
            note(connection, self._trail, noted)

        await self._database.write(work)

    async def page(
        self, workspace_id: str, user_id: str, now: datetime, place: Place | None, limit: int
    ) -> Slice[ApiKey]:
        query = select(*_COLUMNS).where(_theirs(workspace_id, user_id), _good(now))
        found = await self._database.read(
            lambda connection: read_slice(connection, query, [_KEYS.id], place, limit, falling=True)
        )
        return Slice([_to_domain(row._mapping) for row in found.items], found.has_prev, found.has_next)

    async def revoke(self, workspace_id: str, user_id: str, key_id: str, now: datetime) -> None:
        noted = entry("api_key.revoked", subject_id=user_id, at=now, key=key_id)

        def work(connection: Connection) -> None:
            here = _theirs(workspace_id, user_id) & (_KEYS.id == key_id)
            good = update(api_keys).where(here, _KEYS.revoked_at.is_(None)).values(revoked_at=now)
            if connection.execute(good).rowcount:
                revoke(connection, [key_id], now)
                note(connection, self._trail, noted)
            elif connection.scalar(select(_KEYS.id).where(here)) is None:
                raise NotFound("API_KEY_NOT_FOUND", "There is no such API key.")

        await self._database.write(work)

    async def introspect(self, hash_: bytes, now: datetime) -> Bearer | None:
        asked = {"hash": hash_, "now": now}
        row = await self._database.read(lambda connection: connection.execute(_BEARER, asked).mappings().first())
        if row is None:
            return None
        key = _to_domain(row)
        if key.last_used_at is None or key.last_used_at <= now - USED_EVERY:
            used = update(api_keys).where(_KEYS.id == key.id).values(last_used_at=now)
            await self._database.write(lambda connection: connection.execute(used))
        return Bearer(key, Role(row["role"]))

    async def sweep(self, now: datetime, limit: int) -> int:
        long_ago = now - KEPT
        old = select(_KEYS.id).where(or_(_KEYS.revoked_at <= long_ago, _KEYS.expires_at <= long_ago)).limit(limit)
        gone = delete(api_keys).where(_KEYS.id.in_(old))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount)


def _theirs(workspace_id: str, user_id: str) -> ColumnElement[bool]:
    return (_KEYS.workspace_id == workspace_id) & (_KEYS.user_id == user_id)


def _good(now: datetime) -> ColumnElement[bool]:
    return _KEYS.revoked_at.is_(None) & or_(_KEYS.expires_at.is_(None), _KEYS.expires_at > now)


def _may_have(key: ApiKey) -> Any:
    """Finds the user of a new key: who made it, or a bot of theirs."""
    whose = or_(users.c.id == key.created_by, users.c.owner_id == key.created_by)
    here = (users.c.workspace_id == key.workspace_id) & (users.c.id == key.user_id)
    return select(users.c.id).where(here, whose, users.c.is_active).with_for_update(key_share=True)


def _to_domain(row: RowMapping) -> ApiKey:
    values = {field.name: row[field.name] for field in fields(ApiKey)}
    return ApiKey(**values | {"scopes": row["scopes"].split()})

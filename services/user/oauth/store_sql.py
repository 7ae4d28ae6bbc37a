"""Log-ins by providers in SQL. Deleting the row decides who takes one; what it holds is sealed."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import Connection, delete, exists, insert, select
from sqlalchemy.exc import IntegrityError

from chat.event.v1.user_events_pb2 import UserRegistered
from mesh.audit.entry import Entry, entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from mesh.errors import Conflict, NotFound
from mesh.sealing import Sealer
from services.user import outbox_sql
from services.user.accounts.domain import Account, email_key
from services.user.accounts.reads_sql import COLUMNS, to_domain, to_row
from services.user.accounts.wire import to_user
from services.user.oauth.domain import (
    Attempt,
    Handover,
    Who,
    address_of,
    check_active,
    handover_hash,
    may_link,
    state_hash,
)
from services.user.oauth.store import NewAccount
from services.user.tables import identities, oauth_states, users, workspaces

MAX_TRIES = 8


class SqlOAuthStore:
    def __init__(self, database: Database, trail: Trail, sealer: Sealer) -> None:
        self._database = database
        self._trail = trail
        self._sealer = sealer

    async def keep_attempt(self, attempt: Attempt, expires_at: datetime) -> None:
        await self._keep(state_hash(attempt.state, attempt.binding), attempt, expires_at)

    async def take_attempt(self, provider: str, state: str, binding: str, now: datetime) -> Attempt | None:
        found = await self._take(state_hash(state, binding), now)
        return Attempt(**found) if found and found["provider"] == provider else None

    async def keep_handover(self, secret: str, handover: Handover, expires_at: datetime) -> None:
        await self._keep(handover_hash(secret), handover, expires_at)

    async def take_handover(self, secret: str, now: datetime) -> Handover | None:
        found = await self._take(handover_hash(secret), now)
        return Handover(**found) if found else None

    async def account_for(
        self, who: Who, workspace_id: str, provider: str, usernames: Iterable[str], new: NewAccount, now: datetime
    ) -> Account:
        for username in islice(usernames, MAX_TRIES):
            try:
                return await self._account_for(who, workspace_id, provider, username, new, now)
            except IntegrityError:
                pass  # The name is taken, or the same person came twice at once: look again.
        raise Conflict("USERNAME_TAKEN", "Every name that was tried is taken.")

    async def sweep(self, now: datetime, limit: int) -> int:
        old = select(oauth_states.c.hash).where(oauth_states.c.expires_at <= now).limit(limit)
        gone = delete(oauth_states).where(oauth_states.c.hash.in_(old))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount)

    async def _account_for(
        self, who: Who, workspace_id: str, provider: str, username: str, new: NewAccount, now: datetime
    ) -> Account:
        source, here = outbox_sql.origin(), users.c.workspace_id == workspace_id
        linked, registered = (
            entry(action, at=now, workspace_id=workspace_id, provider=provider)
            for action in ("identity.linked", "user.registered")
        )

        def noted(connection: Connection, what: Entry, account: Account) -> None:
            note(connection, self._trail, replace(what, actor_id=account.id, subject_id=account.id))

        def work(connection: Connection) -> Account:
            known = connection.execute(_known(who, workspace_id)).mappings().first()
            if known is not None:
                check_active(account := to_domain(known))
                return account
            address = address_of(who)
            same = select(*COLUMNS).where(here, users.c.email_key == email_key(address)).with_for_update()
            holder = connection.execute(same).mappings().first() if address else None
            if holder is not None and may_link(who, account := to_domain(holder)):
                noted(connection, linked, account)
            else:
                account = new(username, "" if holder is not None else address)
                self._add(connection, account, now, source)
                noted(connection, registered, account)
            identity = {"workspace_id": workspace_id, "issuer": who.issuer, "subject": who.subject}
            connection.execute(insert(identities).values(**identity, user_id=account.id, created_at=now))
            return account

        return await self._database.write(work)

    def _add(self, connection: Connection, account: Account, now: datetime, source: outbox_sql.Origin) -> None:
        if not connection.execute(select(exists().where(workspaces.c.id == account.workspace_id))).scalar():
            raise NotFound("WORKSPACE_NOT_FOUND", "There is no such workspace.")
        # No password fits an empty hash. Who wants one sets it by a mail.
        empty = {"password_hash": "", "last_pos": 0, "totp_secret": b"", "totp_step": 0}
        connection.execute(insert(users).values(to_row(account) | empty))
        user = to_user(account, now)
        outbox_sql.append(connection, account.id, lambda pos: UserRegistered(pos=pos, user=user), now, source)

    async def _keep(self, hash_: bytes, kept: Attempt | Handover, expires_at: datetime) -> None:
        row = insert(oauth_states).values(
            hash=hash_,
            workspace_id=kept.workspace_id,
            provider=kept.provider,
            sealed=self._sealer.seal(orjson.dumps(asdict(kept)), hash_.hex()),
            expires_at=expires_at,
        )
        await self._database.write(lambda connection: connection.execute(row))

    async def _take(self, hash_: bytes, now: datetime) -> dict[str, Any] | None:
        taken = delete(oauth_states).where(oauth_states.c.hash == hash_).returning(*oauth_states.c)
        row = await self._database.write(lambda connection: connection.execute(taken).mappings().first())
        if row is None or row["expires_at"] <= now:
            return None
        found: dict[str, Any] = orjson.loads(self._sealer.open(row["sealed"], hash_.hex()))
        return found


def _known(who: Who, workspace_id: str) -> Any:
    return (
        select(*COLUMNS)
        .join(identities, identities.c.user_id == users.c.id)
        .where(
            identities.c.workspace_id == workspace_id,
            identities.c.issuer == who.issuer,
            identities.c.subject == who.subject,
        )
    )

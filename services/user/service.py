"""The user service, wired."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from uuid_utils import uuid7

from mesh.audit.log import open_trail
from mesh.database import open_database, sqlite_url
from mesh.events.relay import OutboxRelay
from mesh.idempotency.store_sql import SqlIdempotencyStore
from mesh.service import Mesh, Register, Service
from mesh.sweeper import sweeping
from services.user.identity import open_identity
from services.user.outbox_sql import SqlOutbox
from services.user.passwords import open_passwords
from services.user.people import open_people
from services.user.seed import refuse_seeded, seed
from services.user.tables import audit, audit_head, idempotency_keys

MIGRATIONS = Path(__file__).parent / "migrations"


@asynccontextmanager
async def open_user(mesh: Mesh) -> AsyncIterator[Register]:
    settings = mesh.settings
    url = settings.sql_url or sqlite_url(settings.data / "user.db")
    async with open_database(url, MIGRATIONS, settings.sql_replica_url) as database:
        with open_passwords() as passwords:
            trail = open_trail("user", audit, audit_head, mesh.secret)

            def register(server: Any) -> None:
                people.register(server)
                identity(server)

            repeated = SqlIdempotencyStore(database, idempotency_keys)
            mesh.keep_idempotency("user", repeated)
            waiting = mesh.metrics.outbox_rows("user")
            async with (
                sweeping([repeated.sweep], clock=_now),
                OutboxRelay(SqlOutbox(database), mesh.bus, "/chat/user", waiting=waiting.set),
                open_people(mesh, database, trail, passwords=passwords, clock=_now, ids=_new_id) as people,
                open_identity(
                    mesh,
                    database,
                    trail,
                    accounts=people.accounts,
                    passwords=passwords,
                    gate=people.attempts,
                    factor=people.second_factor,
                    clock=_now,
                    ids=_new_id,
                ) as identity,
            ):
                if settings.env == "dev":
                    await seed(settings, people.accounts, passwords, clock=_now)
                else:
                    await refuse_seeded(people.accounts)
                yield register


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid7())


SERVICE = Service("user", open_user)

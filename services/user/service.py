"""The user service, wired."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from uuid_utils.compat import uuid7

from chat.user.v1.account_service_pb2_grpc import add_AccountServiceServicer_to_server
from chat.user.v1.key_service_pb2_grpc import add_KeyServiceServicer_to_server
from chat.user.v1.session_service_pb2_grpc import add_SessionServiceServicer_to_server
from mesh.database import open_database, sqlite_url
from mesh.events.relay import OutboxRelay
from mesh.idempotency.store_sql import SqlIdempotencyStore
from mesh.idempotency.sweeper import sweeping
from mesh.service import Mesh, Register, Service
from services.user.accounts.servicer import AccountServicer
from services.user.accounts.store_sql import SqlAccountStore
from services.user.keys.servicer import KeyServicer
from services.user.keys.store_file import FileKeyStore
from services.user.outbox_sql import SqlOutbox
from services.user.passwords import open_passwords
from services.user.seed import seed
from services.user.sessions.servicer import SessionServicer
from services.user.sessions.store_sql import SqlSessionStore
from services.user.tables import idempotency_keys

MIGRATIONS = Path(__file__).parent / "migrations"


@asynccontextmanager
async def open_user(mesh: Mesh) -> AsyncIterator[Register]:
    settings = mesh.settings
    url = settings.sql_url or sqlite_url(settings.data / "user.db")
    async with open_database(url, MIGRATIONS) as database:
        with open_passwords() as passwords:
            keys = await FileKeyStore(settings.data / "keys" / "access-token.pem").load()
            accounts, sessions = SqlAccountStore(database), SqlSessionStore(database)
            if settings.env == "dev":
                await seed(settings, accounts, passwords, clock=_now, ids=_new_id)

            def register(server: Any) -> None:
                add_AccountServiceServicer_to_server(
                    AccountServicer(accounts, passwords, clock=_now, ids=_new_id), server
                )
                add_SessionServiceServicer_to_server(
                    SessionServicer(sessions, accounts, passwords=passwords, key=keys.current, clock=_now, ids=_new_id),
                    server,
                )
                add_KeyServiceServicer_to_server(KeyServicer(keys), server)

            repeated = SqlIdempotencyStore(database, idempotency_keys)
            mesh.keep_idempotency("user", repeated)
            waiting = mesh.metrics.outbox_rows("user")
            async with (
                sweeping(repeated, clock=_now),
                OutboxRelay(SqlOutbox(database), mesh.bus, "/chat/user", waiting=waiting.set),
            ):
                yield register


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid7())


SERVICE = Service("user", open_user)

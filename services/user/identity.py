"""The part of the user service that says who calls: sessions, signing keys, revocations, API keys, bots; wired."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from chat.user.v1.api_key_service_pb2_grpc import add_ApiKeyServiceServicer_to_server
from chat.user.v1.bot_service_pb2_grpc import add_BotServiceServicer_to_server
from chat.user.v1.key_service_pb2_grpc import add_KeyServiceServicer_to_server
from chat.user.v1.revocation_service_pb2_grpc import add_RevocationServiceServicer_to_server
from chat.user.v1.session_service_pb2_grpc import add_SessionServiceServicer_to_server
from mesh.audit.log import Trail
from mesh.cursor import open_cursors
from mesh.database import Database
from mesh.sealing import Sealer
from mesh.service import Mesh, Register
from mesh.sweeper import sweeping
from services.user.accounts.store import AccountStore
from services.user.api_keys.issuing import KeyIssuing
from services.user.api_keys.servicer import ApiKeyServicer
from services.user.api_keys.store_sql import SqlApiKeyStore
from services.user.bots.servicer import BotServicer
from services.user.bots.store_sql import SqlBotStore
from services.user.federation import open_federation
from services.user.keys.earlier_file import first_key
from services.user.keys.ring import open_ring
from services.user.keys.servicer import KeyServicer
from services.user.keys.store_sql import SqlKeyStore
from services.user.passwords import Passwords
from services.user.revocations.servicer import RevocationServicer
from services.user.revocations.store_sql import SqlRevocationStore
from services.user.revocations.tail import Tail, looking
from services.user.sessions.access import AccessTokens
from services.user.sessions.gate import LoginGate, SecondFactor
from services.user.sessions.opening import SessionOpening
from services.user.sessions.proof import LoginProof
from services.user.sessions.servicer import SessionServicer
from services.user.sessions.store_sql import SqlSessionStore
from services.user.tickets.store_sql import SqlTicketStore


@asynccontextmanager
async def open_identity(
    mesh: Mesh,
    database: Database,
    trail: Trail,
    *,
    accounts: AccountStore,
    passwords: Passwords,
    gate: LoginGate,
    factor: SecondFactor,
    clock: Callable[[], datetime],
    ids: Callable[[], str],
) -> AsyncIterator[Register]:
    """What registers the servicers. Runs what they need beside them until the context is left."""
    earlier = mesh.settings.data / "keys" / "access-token.pem"
    keys = SqlKeyStore(database, Sealer(mesh.secret, "signing keys"), trail, lambda: first_key(earlier))
    ring = await open_ring(keys, clock)
    await asyncio.to_thread(earlier.unlink, missing_ok=True)
    revocations, tickets = SqlRevocationStore(database), SqlTicketStore(database)
    sessions = SqlSessionStore(database, trail)
    access, cursors = AccessTokens(ring, ids), open_cursors(mesh.secret)
    api_keys = SqlApiKeyStore(database, trail)
    issuing = KeyIssuing(api_keys, clock=clock, ids=ids)
    bots, opening = SqlBotStore(database, trail), SessionOpening(sessions, access, ids)
    tail = Tail(revocations)
    database.on_written(tail.wake)
    mesh.at_drain(tail.drain)

    def register(server: Any) -> None:
        add_SessionServiceServicer_to_server(
            SessionServicer(
                sessions,
                accounts,
                tickets,
                proof=LoginProof(accounts, passwords, gate, factor, sessions.refuse),
                opening=opening,
                access=access,
                cursors=cursors,
                clock=clock,
            ),
            server,
        )
        add_KeyServiceServicer_to_server(KeyServicer(ring), server)
        add_RevocationServiceServicer_to_server(RevocationServicer(revocations, tail, clock=clock), server)
        add_ApiKeyServiceServicer_to_server(ApiKeyServicer(api_keys, issuing, cursors, clock=clock), server)
        add_BotServiceServicer_to_server(
            BotServicer(bots, accounts, api_keys, issuing, cursors, clock=clock, ids=ids), server
        )
        federation(server)

    sweeps = [revocations.sweep, tickets.sweep, keys.sweep, api_keys.sweep]
    async with (
        looking(tail),
        sweeping(sweeps, clock=clock),
        open_federation(mesh, database, trail, accounts=accounts, opening=opening, clock=clock, ids=ids) as federation,
    ):
        yield register

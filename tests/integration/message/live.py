"""The live half of the message service in its parts, for what only a moved clock or a fault shows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from uuid_utils.compat import uuid7

from chat.user.v1.account_service_pb2 import BatchGetUsersRequest, BatchGetUsersResponse
from chat.user.v1.user_pb2 import User
from mesh.audit.log import open_trail
from mesh.cursor import CursorCodec
from mesh.database import Database, open_database
from mesh.errors import Unauthenticated
from mesh.identity.principal import DEFAULT_WORKSPACE, Principal
from mesh.identity.revocations import Revocations
from mesh.limits.limits import unlimited
from mesh.policy.admit import admit
from mesh.telemetry.metrics import Metrics, new_registry
from services.message.command import Command, Origin
from services.message.conversations.domain import CreateConversation, Kind
from services.message.feed.hub import Hub
from services.message.feed.relay import Live
from services.message.feed.relay_calls import RelayCalls
from services.message.feed.store_sql import SqlFeedStore
from services.message.journal import Outcome
from services.message.journal_sql import SqlJournal
from services.message.messages.servicer import MessageServicer
from services.message.messages.store_sql import SqlMessageStore
from services.message.profiles import Profiles
from services.message.service import MIGRATIONS
from services.message.tables import audit, audit_head
from services.message.writer import Writer
from tests.integration.message.gateway import SEND

ANNA, BELA = str(uuid7()), str(uuid7())


class HeldJournal(SqlJournal):
    """Waits while `gate` is not set, with `entered` set, and raises `fault`."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        super().__init__(database, clock, open_trail("message", audit, audit_head, bytes(32)))
        self.fault: Exception | None = None
        self.entered, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    def hold(self) -> None:
        self.entered.clear()
        self.gate.clear()

    async def commit(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        self.entered.set()
        await self.gate.wait()
        if self.fault:
            raise self.fault
        return await super().commit(commands)


class Tokens:
    """Tokens are `<user id> <end>`, of the session `session`, or `<user id> <end> <session>`."""

    def __init__(self) -> None:
        self.revocations = Revocations(lambda: 0.0)

    async def verify(self, token: str) -> Principal:
        user_id, _, more = token.partition(" ")
        if not more:
            raise Unauthenticated("TOKEN_INVALID", "No.")
        end, _, session_id = more.partition(" ")
        return Principal(user_id, session_id or "session", "user", float(end))


@dataclass
class LiveWorld:
    live: Live
    journal: HeldJournal
    store: SqlFeedStore
    now: float = 1_000.0

    def revoke(self, session_id: str) -> None:
        """Tells this process that a session has ended."""
        self.live.verifier.revocations.add([(session_id, 1e9)])

    async def group(self, *user_ids: str) -> str:
        id_ = str(uuid7())
        command = CreateConversation(
            Origin(user_ids[0], DEFAULT_WORKSPACE), id=id_, kind=Kind.GROUP, name="", topic="", member_ids=user_ids[1:]
        )
        await self.live.writer.submit(command)
        return id_


@asynccontextmanager
async def open_live(database_url: str) -> AsyncIterator[LiveWorld]:
    async def users(request: BatchGetUsersRequest) -> BatchGetUsersResponse:
        return BatchGetUsersResponse(items=[User(id=id_, username="name") for id_ in request.ids])

    metrics = Metrics(new_registry())
    async with open_database(database_url, MIGRATIONS) as database, Profiles(users) as profiles:
        hub, journal = Hub(profiles.known), HeldJournal(database, lambda: datetime.now(UTC))
        async with Writer(journal, hub.publish, metrics) as writer:
            servicer = MessageServicer(
                SqlMessageStore(database),
                writer,
                profiles,
                limits=unlimited(),
                cursors=CursorCodec(b"x"),
                new_id=lambda: str(uuid7()),
            )
            calls = RelayCalls({SEND: servicer.relayed["SendMessage"]}, profiles, admit=admit, metrics=metrics)
            live = Live(calls, hub, writer, profiles, Tokens())  # type: ignore[arg-type]
            world = LiveWorld(live, journal, SqlFeedStore(database))
            world.live = replace(live, clock=lambda: world.now)
            yield world
            journal.gate.set()

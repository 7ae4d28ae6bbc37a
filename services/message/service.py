"""The message service, wired."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from uuid_utils.compat import uuid7

from chat.message.v1.audit_service_pb2_grpc import add_AuditServiceServicer_to_server
from chat.message.v1.conversation_service_pb2_grpc import add_ConversationServiceServicer_to_server
from chat.message.v1.feed_service_pb2_grpc import add_FeedServiceServicer_to_server
from chat.message.v1.message_service_pb2_grpc import add_MessageServiceServicer_to_server
from chat.message.v1.reading_service_pb2_grpc import add_ReadingServiceServicer_to_server
from chat.user.v1.account_service_pb2_grpc import AccountServiceStub
from chat.user.v1.block_service_pb2_grpc import BlockServiceStub
from mesh.audit.log import Trail, open_trail
from mesh.cursor import open_cursors
from mesh.database import Database, open_database, sqlite_url
from mesh.events.relay import OutboxRelay
from mesh.idempotency.store_sql import SqlIdempotencyStore
from mesh.policy.admit import admit
from mesh.service import Mesh, Register, Service
from mesh.sweeper import sweeping
from services.message.audit.servicer import AuditServicer
from services.message.audit.store_sql import SqlAuditStore
from services.message.calls import Relayed
from services.message.command import Command
from services.message.contacts import Contacts
from services.message.conversations.servicer import ConversationServicer
from services.message.conversations.store_sql import SqlConversationStore
from services.message.feed.hub import Hub
from services.message.feed.relay import Live
from services.message.feed.relay_calls import RelayCalls
from services.message.feed.servicer import FeedServicer
from services.message.feed.store_sql import SqlFeedStore
from services.message.feed.streams import Streams
from services.message.feed.typing import Typing
from services.message.journal import Outcome
from services.message.journal_sql import SqlJournal
from services.message.messages.purge_sql import Purge
from services.message.messages.servicer import MessageServicer
from services.message.messages.store_sql import SqlMessageStore
from services.message.outbox_sql import SqlOutbox, SqlReceipts
from services.message.profiles import Profiles
from services.message.reading.servicer import ReadingServicer
from services.message.reading.store_sql import SqlReadingStore
from services.message.tables import audit, audit_head, idempotency_keys
from services.message.writer import Writer

MIGRATIONS = Path(__file__).parent / "migrations"
EXPIRY_S = 1.0
"""How long messages may stand that are to end by themselves, after it is time."""


@asynccontextmanager
async def open_message(mesh: Mesh) -> AsyncIterator[Register]:
    settings = mesh.settings
    url = settings.messages_url or sqlite_url(settings.data / "message.db")
    users = AccountServiceStub(mesh.channel("user"))
    async with open_database(url, MIGRATIONS) as database, Profiles(users.BatchGetUsers) as profiles:
        hub = Hub(profiles.known)

        def publish(command: Command, outcome: Outcome) -> None:
            hub.publish(command, outcome)
            if outcome.changes:
                relay.wake()
            if any(change.is_receipt for change in outcome.changes):
                receipts.wake()

        trail = open_trail("message", audit, audit_head, mesh.secret)
        async with Writer(SqlJournal(database, _now, trail), publish, mesh.metrics) as writer:
            outbox = SqlOutbox(database, writer, profiles.known)
            relay = OutboxRelay(outbox, mesh.bus, "/chat/message", waiting=mesh.metrics.outbox_rows("message").set)
            receipts = OutboxRelay(SqlReceipts(database, writer), mesh.bus, "/chat/message")
            repeated = SqlIdempotencyStore(database, idempotency_keys)
            mesh.keep_idempotency("message", repeated)
            purge = Purge(database, writer)
            due = sweeping([purge.expired], clock=_now, pause_s=EXPIRY_S)
            async with relay, receipts, sweeping([repeated.sweep, purge.deleted], clock=_now), due:
                yield _register(mesh, database, trail, hub=hub, writer=writer, profiles=profiles)


def _register(
    mesh: Mesh, database: Database, trail: Trail, *, hub: Hub, writer: Writer, profiles: Profiles
) -> Register:
    cursors = open_cursors(mesh.secret)
    messages = MessageServicer(SqlMessageStore(database), writer, profiles, cursors=cursors, new_id=_new_id)
    contacts = Contacts(BlockServiceStub(mesh.channel("user")).CheckContact)
    conversations = ConversationServicer(
        SqlConversationStore(database), writer, profiles, contacts, cursors=cursors, new_id=_new_id, clock=_now
    )
    reading = ReadingServicer(SqlReadingStore(database), writer, profiles, cursors=cursors)
    typing = Typing(hub, _now)
    relayed = {
        **_named("MessageService", messages.relayed),
        **_named("ConversationService", conversations.relayed),
        **_named("FeedService", typing.relayed),
        **_named("ReadingService", reading.relayed),
    }
    calls = RelayCalls(relayed, profiles, admit=admit, metrics=mesh.metrics)
    streams = Streams(Live(calls, hub, writer, profiles, mesh.verifier, limits=mesh.limits))
    feed = FeedServicer(SqlFeedStore(database), streams, typing, conversations.views)
    mesh.at_drain(streams.drain)

    def register(server: Any) -> None:
        add_MessageServiceServicer_to_server(messages, server)
        add_ConversationServiceServicer_to_server(conversations, server)
        add_FeedServiceServicer_to_server(feed, server)
        add_ReadingServiceServicer_to_server(reading, server)
        add_AuditServiceServicer_to_server(AuditServicer(SqlAuditStore(database, trail)), server)

    return register


def _named(service: str, relayed: Mapping[str, Relayed]) -> dict[str, Relayed]:
    return {f"/chat.message.v1.{service}/{name}": method for name, method in relayed.items()}


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid7())


SERVICE = Service("message", open_message)

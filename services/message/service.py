"""The message service, wired."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from uuid_utils import uuid7

from chat.message.v1.audit_service_pb2_grpc import add_AuditServiceServicer_to_server
from chat.message.v1.ban_service_pb2_grpc import add_BanServiceServicer_to_server
from chat.message.v1.bookmark_service_pb2_grpc import add_BookmarkServiceServicer_to_server
from chat.message.v1.conversation_service_pb2_grpc import add_ConversationServiceServicer_to_server
from chat.message.v1.draft_service_pb2_grpc import add_DraftServiceServicer_to_server
from chat.message.v1.feed_service_pb2_grpc import add_FeedServiceServicer_to_server
from chat.message.v1.group_service_pb2_grpc import add_GroupServiceServicer_to_server
from chat.message.v1.invite_service_pb2_grpc import add_InviteServiceServicer_to_server
from chat.message.v1.message_service_pb2_grpc import add_MessageServiceServicer_to_server
from chat.message.v1.pin_service_pb2_grpc import add_PinServiceServicer_to_server
from chat.message.v1.poll_service_pb2_grpc import add_PollServiceServicer_to_server
from chat.message.v1.reaction_service_pb2_grpc import add_ReactionServiceServicer_to_server
from chat.message.v1.reading_service_pb2_grpc import add_ReadingServiceServicer_to_server
from chat.message.v1.report_service_pb2_grpc import add_ReportServiceServicer_to_server
from chat.message.v1.schedule_service_pb2_grpc import add_ScheduleServiceServicer_to_server
from chat.message.v1.search_service_pb2_grpc import add_SearchServiceServicer_to_server
from chat.message.v1.transfer_service_pb2_grpc import add_TransferServiceServicer_to_server
from chat.user.v1.account_service_pb2_grpc import AccountServiceStub
from chat.user.v1.block_service_pb2_grpc import BlockServiceStub
from mesh.audit.log import Trail, open_trail
from mesh.call.context import RequestContext
from mesh.cursor import open_cursors
from mesh.database import Database, open_database, sqlite_url
from mesh.policy.admit import admit
from mesh.policy.overload import Overload
from mesh.service import Mesh, Register, Service
from services.message.audit.servicer import AuditServicer
from services.message.audit.store_sql import SqlAuditStore
from services.message.bans.servicer import BanServicer
from services.message.bans.store_sql import SqlBanStore
from services.message.bookmarks.servicer import BookmarkServicer
from services.message.bookmarks.store_sql import SqlBookmarkStore
from services.message.calls import Relayed
from services.message.command import Command
from services.message.contacts import Contacts
from services.message.conversations.blocks import GROUP
from services.message.conversations.servicer import ConversationServicer
from services.message.conversations.store_sql import SqlConversationStore
from services.message.drafts.servicer import DraftServicer
from services.message.drafts.store_sql import SqlDraftStore
from services.message.feed.hub import Hub
from services.message.feed.peers import Peers
from services.message.feed.relay import Live
from services.message.feed.relay_calls import Admit, RelayCalls
from services.message.feed.servicer import FeedServicer
from services.message.feed.store_sql import SqlFeedStore
from services.message.feed.streams import Streams
from services.message.feed.typing import Typing
from services.message.groups.servicer import GroupServicer
from services.message.groups.store_sql import SqlGroupStore
from services.message.housekeeping import Housekeeping, is_heard
from services.message.invites.servicer import InviteServicer
from services.message.invites.store_sql import SqlInviteStore
from services.message.journal import Outcome
from services.message.journal_sql import SqlJournal
from services.message.messages.servicer import MessageServicer
from services.message.messages.store_sql import SqlMessageStore
from services.message.pins.servicer import PinServicer
from services.message.pins.store_sql import SqlPinStore
from services.message.polls.servicer import PollServicer
from services.message.polls.store_sql import SqlPollStore
from services.message.profiles import Profiles
from services.message.reactions.servicer import ReactionServicer
from services.message.reactions.store_sql import SqlReactionStore
from services.message.reading.servicer import ReadingServicer
from services.message.reading.store_sql import SqlReadingStore
from services.message.reports.servicer import ReportServicer
from services.message.reports.store_sql import SqlReportStore
from services.message.schedule.servicer import ScheduleServicer
from services.message.schedule.store_sql import SqlScheduleStore
from services.message.search.servicer import SearchServicer
from services.message.search.store_sql import SqlSearchStore
from services.message.tables import audit, audit_head
from services.message.transfer.servicer import TransferServicer
from services.message.transfer.store_sql import SqlTransferStore
from services.message.writer import Writer

MIGRATIONS = Path(__file__).parent / "migrations"


@asynccontextmanager
async def open_message(mesh: Mesh) -> AsyncIterator[Register]:
    settings = mesh.settings
    url = settings.messages_url or sqlite_url(settings.data / "message.db")
    users = AccountServiceStub(mesh.channel("user"))
    async with open_database(url, MIGRATIONS) as database, Profiles(users.BatchGetUsers) as profiles:
        hub = Hub(profiles.known)

        def publish(command: Command, outcome: Outcome) -> None:
            hub.publish(command, outcome)
            beside.note(command, outcome)

        trail = open_trail("message", audit, audit_head, mesh.secret)
        journal = SqlJournal(database, _now, trail, is_heard=partial(is_heard, mesh))
        async with Writer(journal, publish, mesh.metrics) as writer:
            beside = Housekeeping(mesh, database, writer, profiles.known, clock=_now, new_id=_new_id)
            mesh.keep_idempotency("message", beside.repeated)
            peers = Peers(mesh.instances("message"), hub, SqlFeedStore(database), instance_id=_new_id())
            async with beside.running(), peers.followed():
                yield _register(mesh, database, trail, hub=hub, writer=writer, profiles=profiles, peers=peers)


def _register(
    mesh: Mesh, database: Database, trail: Trail, *, hub: Hub, writer: Writer, profiles: Profiles, peers: Peers
) -> Register:
    cursors = open_cursors(mesh.secret)
    messages = MessageServicer(
        SqlMessageStore(database), writer, profiles, limits=mesh.limits, cursors=cursors, new_id=_new_id
    )
    reactions = ReactionServicer(SqlReactionStore(database), writer, profiles, cursors=cursors)
    polls = PollServicer(SqlPollStore(database), writer)
    pins = PinServicer(SqlPinStore(database), writer, profiles, cursors=cursors)
    bookmarks = BookmarkServicer(SqlBookmarkStore(database), writer, profiles, cursors=cursors)
    reports = ReportServicer(SqlReportStore(database), writer, profiles, cursors=cursors, new_id=_new_id)
    contacts = Contacts(BlockServiceStub(mesh.channel("user")).CheckContact)
    conversations = ConversationServicer(
        SqlConversationStore(database), writer, profiles, contacts, cursors=cursors, new_id=_new_id, clock=_now
    )
    bans = BanServicer(SqlBanStore(database), writer, profiles, cursors=cursors, clock=_now)
    invites = InviteServicer(
        SqlInviteStore(database),
        writer,
        profiles,
        contacts,
        conversations.view,
        cursors=cursors,
        new_id=_new_id,
        clock=_now,
    )
    groups = GroupServicer(SqlGroupStore(database), writer, profiles, cursors=cursors, new_id=_new_id)
    reading = ReadingServicer(
        SqlReadingStore(database), SqlConversationStore(database), writer, profiles, cursors=cursors
    )
    drafts = DraftServicer(SqlDraftStore(database), writer, cursors=cursors)
    planned = ScheduleServicer(SqlScheduleStore(database), writer, cursors=cursors, new_id=_new_id)
    search = SearchServicer(SqlSearchStore(database), profiles, cursors=cursors)
    typing = Typing(hub, _now)
    relayed = {
        **_named("MessageService", messages.relayed),
        **_named("ReactionService", reactions.relayed),
        **_named("ConversationService", conversations.relayed),
        **_named("FeedService", typing.relayed),
        **_named("ReadingService", reading.relayed),
        **_named("DraftService", drafts.relayed),
    }
    calls = RelayCalls(relayed, profiles, admit=_admitting(mesh.overload), metrics=mesh.metrics)
    live = Live(calls, hub, writer, profiles, mesh.verifier, limits=mesh.limits)
    streams = Streams(live, carried=peers.carried)
    transfer = TransferServicer(
        SqlTransferStore(database), SqlConversationStore(database), SqlMessageStore(database), live, new_id=_new_id
    )
    feed = FeedServicer(SqlFeedStore(database), streams, typing, conversations.views, instance_id=peers.instance_id)
    mesh.at_drain(streams.drain)

    def register(server: Any) -> None:
        add_MessageServiceServicer_to_server(messages, server)
        add_ReactionServiceServicer_to_server(reactions, server)
        add_PollServiceServicer_to_server(polls, server)
        add_PinServiceServicer_to_server(pins, server)
        add_BookmarkServiceServicer_to_server(bookmarks, server)
        add_ReportServiceServicer_to_server(reports, server)
        add_ConversationServiceServicer_to_server(conversations, server)
        add_BanServiceServicer_to_server(bans, server)
        add_InviteServiceServicer_to_server(invites, server)
        add_GroupServiceServicer_to_server(groups, server)
        add_FeedServiceServicer_to_server(feed, server)
        add_ReadingServiceServicer_to_server(reading, server)
        add_DraftServiceServicer_to_server(drafts, server)
        add_ScheduleServiceServicer_to_server(planned, server)
        add_SearchServiceServicer_to_server(search, server)
        add_TransferServiceServicer_to_server(transfer, server)
        add_AuditServiceServicer_to_server(AuditServicer(SqlAuditStore(database, trail)), server)

    return register


def _admitting(overload: Overload) -> Admit:
    def check(method: str, context: RequestContext, message: Message | None) -> None:
        overload.check(method)
        admit(method, context, message)

    return check


def _named(service: str, relayed: Mapping[str, Relayed]) -> dict[str, Relayed]:
    return {f"/chat.message.v1.{service}/{name}": method for name, method in relayed.items()}


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid7())


SERVICE = Service("message", open_message, groups=[GROUP])

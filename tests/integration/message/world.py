"""The message service behind its real interceptors, over a real database, with a user service that is a dictionary."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils.compat import uuid7

from chat.message.v1 import change_pb2, conversation_pb2, message_pb2
from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import feed_service_pb2 as feed_pb
from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1.ban_service_pb2_grpc import BanServiceStub
from chat.message.v1.bookmark_service_pb2_grpc import BookmarkServiceStub
from chat.message.v1.conversation_service_pb2_grpc import ConversationServiceStub
from chat.message.v1.draft_service_pb2_grpc import DraftServiceStub
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from chat.message.v1.group_service_pb2_grpc import GroupServiceStub
from chat.message.v1.invite_service_pb2_grpc import InviteServiceStub
from chat.message.v1.message_service_pb2_grpc import MessageServiceStub
from chat.message.v1.pin_service_pb2_grpc import PinServiceStub
from chat.message.v1.poll_service_pb2_grpc import PollServiceStub
from chat.message.v1.reaction_service_pb2_grpc import ReactionServiceStub
from chat.message.v1.reading_service_pb2_grpc import ReadingServiceStub
from chat.message.v1.report_service_pb2_grpc import ReportServiceStub
from chat.message.v1.schedule_service_pb2_grpc import ScheduleServiceStub
from chat.message.v1.search_service_pb2_grpc import SearchServiceStub
from chat.message.v1.transfer_service_pb2_grpc import TransferServiceStub
from chat.user.v1.account_service_pb2 import BatchGetUsersRequest, BatchGetUsersResponse
from chat.user.v1.account_service_pb2_grpc import AccountServiceServicer, add_AccountServiceServicer_to_server
from chat.user.v1.block_service_pb2 import CheckContactRequest, CheckContactResponse
from chat.user.v1.block_service_pb2_grpc import BlockServiceServicer, add_BlockServiceServicer_to_server
from chat.user.v1.user_pb2 import User
from mesh.call.channel import MeshChannel
from mesh.call.context import caller
from mesh.call.inprocess import InProcessServer
from mesh.call.instances import Instances
from mesh.call.interceptors import AdmissionInterceptor, ErrorInterceptor, TelemetryInterceptor
from mesh.call.status import from_rpc_error
from mesh.errors import Unavailable
from mesh.events.bus import Bus
from mesh.events.bus_local import LocalBus
from mesh.identity import tokens
from mesh.identity.jwk import to_jwk
from mesh.identity.principal import DEFAULT_WORKSPACE, Principal
from mesh.identity.proof import Proofs
from mesh.identity.verifier import Verifier
from mesh.limits.limits import Limits, unlimited
from mesh.service import Mesh
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics, new_registry
from services.message.service import open_message

R = TypeVar("R")
DM, GROUP = conversation_pb2.CONVERSATION_TYPE_DM, conversation_pb2.CONVERSATION_TYPE_GROUP
CHANNEL = conversation_pb2.CONVERSATION_TYPE_CHANNEL


class Users(AccountServiceServicer):
    """Answers one method, unless it is `away`."""

    def __init__(self) -> None:
        self.by_id: dict[str, User] = {}
        self.workspaces: dict[str, str] = {}
        """By user id."""
        self.admins: set[str] = set()
        self.calls = 0
        self.away = False

    def add(self, username: str, workspace_id: str = DEFAULT_WORKSPACE) -> str:
        user = User(id=str(uuid7()), username=username, full_name=username.title(), avatar=f"/{username}.png")
        self.by_id[user.id], self.workspaces[user.id] = user, workspace_id
        return user.id

    async def BatchGetUsers(self, request: BatchGetUsersRequest, context: object) -> BatchGetUsersResponse:
        self.calls += 1
        if self.away:
            raise Unavailable("UNAVAILABLE", "Away.")
        here = [id_ for id_ in request.ids if self.workspaces.get(id_) == caller().workspace_id]
        return BatchGetUsersResponse(
            items=[self.by_id[id_] for id_ in here], missing=[id_ for id_ in request.ids if id_ not in here]
        )


class Blocks(BlockServiceServicer):
    """Answers one method, for what is in `pairs`: who has blocked whom."""

    def __init__(self) -> None:
        self.pairs: set[tuple[str, str]] = set()

    async def CheckContact(self, request: CheckContactRequest, context: object) -> CheckContactResponse:
        me = caller().user_id
        return CheckContactResponse(refused_ids=[id_ for id_ in request.ids if {(me, id_), (id_, me)} & self.pairs])


class World:
    """`ask` makes a call as a user and raises the errors that they would see."""

    def __init__(self, users: Users, blocks: Blocks, key: Ed25519PrivateKey, mesh: Mesh) -> None:
        self.users = users
        self.blocks = blocks
        self.key = key
        self.kid = to_jwk(key.public_key())["kid"]
        self.mesh = mesh
        channel = mesh.channel("message")
        self.messages = MessageServiceStub(channel)
        self.conversations = ConversationServiceStub(channel)
        self.feed = FeedServiceStub(channel)
        self.reactions = ReactionServiceStub(channel)
        self.polls = PollServiceStub(channel)
        self.pins = PinServiceStub(channel)
        self.bookmarks = BookmarkServiceStub(channel)
        self.reports = ReportServiceStub(channel)
        self.bans = BanServiceStub(channel)
        self.invites = InviteServiceStub(channel)
        self.groups = GroupServiceStub(channel)
        self.reading = ReadingServiceStub(channel)
        self.drafts = DraftServiceStub(channel)
        self.schedule = ScheduleServiceStub(channel)
        self.search = SearchServiceStub(channel)
        self.transfer = TransferServiceStub(channel)
        self.drains: list[Callable[[], None]] = []
        self.counted: Callable[[str], float | None] = lambda name: None

    def token(self, user_id: str, *, lifetime_s: float = 600) -> str:
        end, workspace_id = int(time.time() + lifetime_s), self.users.workspaces.get(user_id, DEFAULT_WORKSPACE)
        role = "admin" if user_id in self.users.admins else "user"
        principal = Principal(user_id, f"session of {user_id}", role, end, workspace_id)
        return tokens.sign(principal, issued_at=int(time.time()), token_id=str(uuid7()), key=self.key, kid=self.kid)

    def metadata(self, user_id: str) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token(user_id)}"), ("x-correlation-id", f"call-of-{user_id}"))

    async def ask(self, method: Callable[..., Awaitable[R]], request: Any, user_id: str) -> R:
        try:
            return await method(request, metadata=self.metadata(user_id))
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    async def send(self, user_id: str, conversation_id: str, text: str = "hello", **fields: Any) -> message_pb2.Message:
        request = messages_pb.SendMessageRequest(conversation_id=conversation_id, text=text, **fields)
        return (await self.ask(self.messages.SendMessage, request, user_id)).message

    async def create(
        self,
        user_id: str,
        *member_ids: str,
        name: str = "group",
        type: conversation_pb2.ConversationType.ValueType = GROUP,
        **settings: Any,
    ) -> conversation_pb2.Conversation:
        request = conversations_pb.CreateConversationRequest(type=type, name=name, member_ids=member_ids, **settings)
        return (await self.ask(self.conversations.CreateConversation, request, user_id)).conversation

    async def get(self, user_id: str, conversation_id: str) -> conversation_pb2.Conversation:
        request = conversations_pb.GetConversationRequest(id=conversation_id)
        return (await self.ask(self.conversations.GetConversation, request, user_id)).conversation

    async def sync(
        self, user_id: str, user_pos: int = 0, positions: dict[str, int] | None = None, limit: int = 0
    ) -> feed_pb.SyncResponse:
        request = feed_pb.SyncRequest(user_pos=user_pos, positions=positions or {}, limit=limit)
        return await self.ask(self.feed.Sync, request, user_id)

    @asynccontextmanager
    async def subscribe(
        self, user_id: str, user_pos: int = 0, positions: dict[str, int] | None = None
    ) -> AsyncIterator["Feed"]:
        request = feed_pb.SubscribeRequest(user_pos=user_pos, positions=positions or {})
        call = self.feed.Subscribe(request, metadata=self.metadata(user_id))
        try:
            yield Feed(call)
        finally:
            call.cancel()


class Feed:
    """A Subscribe stream as its client reads it."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def item(self) -> feed_pb.SubscribeResponse:
        async with asyncio.timeout(5):
            try:
                item: feed_pb.SubscribeResponse = await anext(aiter(self._call))
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error
        return item

    async def ready(self) -> feed_pb.Ready:
        return (await self.item()).ready

    async def change(self) -> change_pb2.Change:
        return (await self.item()).change

    async def changes(self, count: int) -> list[change_pb2.Change]:
        return [await self.change() for _ in range(count)]


@asynccontextmanager
async def open_world(
    data: Path,
    database_url: str,
    *,
    users: Users | None = None,
    bus: Bus | None = None,
    limits: Limits | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    key, registry = Ed25519PrivateKey.generate(), new_registry()
    metrics = Metrics(registry)
    users = users or Users()  # type: ignore[abstract]
    verifier = Verifier(_keys_of(key))
    server = InProcessServer(
        (TelemetryInterceptor(metrics), ErrorInterceptor(), AdmissionInterceptor(verifier, Proofs(bytes(32))))
    )
    add_AccountServiceServicer_to_server(users, server)  # type: ignore[arg-type]
    blocks = Blocks()  # type: ignore[abstract]
    add_BlockServiceServicer_to_server(blocks, server)  # type: ignore[arg-type]
    drains: list[Callable[[], None]] = []
    mesh = Mesh(
        settings=Settings(data=data, messages_url=database_url, **settings),
        secret=bytes(32),
        channel=lambda _: MeshChannel(server.channel(), metrics),
        verifier=verifier,
        bus=bus or LocalBus(_no_dead_letters),
        metrics=metrics,
        limits=limits or unlimited(),
        instances=lambda _: Instances("", lambda _: MeshChannel(server.channel(), metrics)),
        at_drain=drains.append,
    )
    async with open_message(mesh) as register:
        register(server)
        world = World(users, blocks, key, mesh)
        world.counted = registry.get_sample_value
        world.drains = drains
        yield world
        await server.stop(1)


async def _no_dead_letters(event: object) -> None:
    raise AssertionError(f"a dead letter: {event}")


def _keys_of(key: Ed25519PrivateKey) -> Any:
    async def fetch() -> list[dict[str, str]]:
        return [to_jwk(key.public_key())]

    return fetch

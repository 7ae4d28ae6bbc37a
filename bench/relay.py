"""How many messages a second pass through one Relay stream, by how many share a frame."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from prometheus_client import CollectorRegistry

from bench import TEXT
from bench.clock import Stopwatch
from bench.folder import in_memory
from bench.table import Table
from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.conversation_pb2 import CONVERSATION_TYPE_GROUP
from chat.message.v1.conversation_service_pb2 import CreateConversationRequest
from chat.message.v1.conversation_service_pb2_grpc import ConversationServiceStub
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from chat.message.v1.message_service_pb2 import SendMessageRequest
from chat.user.v1.session_service_pb2 import LoginRequest
from chat.user.v1.session_service_pb2_grpc import SessionServiceStub
from mesh.call.channel import MeshChannel, open_tcp, stream
from mesh.call.server import Health, listen
from mesh.host import Hosted, host
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics
from services.message.service import SERVICE as MESSAGE
from services.user.seed import SEEDS, seed_password
from services.user.service import SERVICE as USER

LOADS = ((1, 1, 300), (1, 50, 2000), (50, 50, 4000), (50, 500, 8000))
"""Messages a frame, messages under way, messages in all."""
SEND = "/chat.message.v1.MessageService/SendMessage"


class Gateway:
    """One session on a Relay stream, which sends to one conversation and gets what is said there."""

    def __init__(self, call: Any, conversation_id: str) -> None:
        self._call = call
        send = SendMessageRequest(conversation_id=conversation_id, text=TEXT).SerializeToString()
        self._entry = pb.RelayEntry(id=1, session=1, call=pb.Call(method=SEND, request=send))
        self._answered = self._delivered = 0

    async def attach(self, token: str) -> None:
        attach = pb.RelayEntry(id=1, session=1, attach=pb.Attach(token=token))
        await self._call.write(pb.RelayRequest(entries=[attach]))
        frame = await self._call.read()
        assert frame.replies[0].HasField("attached"), frame

    async def send(self, a_frame: int, under_way: int, count: int) -> None:
        """Sends `count` messages. Raises AssertionError unless each is acknowledged, and delivered in order."""
        frame = pb.RelayRequest(entries=[self._entry] * a_frame)
        last, asked = self._delivered + count, self._delivered
        while self._answered < last or self._delivered < last:
            while asked < last and asked + a_frame - self._answered <= under_way:
                await self._call.write(frame)
                asked += a_frame
            self._receive(await self._call.read())

    def _receive(self, frame: pb.RelayResponse) -> None:
        for reply in frame.replies:
            assert reply.HasField("response"), reply
        self._answered += len(frame.replies)
        for event in frame.events:
            self._delivered += 1
            assert event.change.seq == self._delivered, "a message is missing or doubled"


@asynccontextmanager
async def serve(folder: Path, registry: CollectorRegistry) -> AsyncIterator[tuple[Hosted, grpc.aio.Channel]]:
    """User and message service as `chat serve` hosts them, and a channel to them over TCP."""
    settings, metrics = Settings(data=folder, sql_url="", messages_url="", env="dev", limits="off"), Metrics(registry)
    async with host(settings, [USER, MESSAGE], metrics) as hosted:
        health = Health([USER.name, MESSAGE.name])
        listener = listen("127.0.0.1:0", hosted.registers, interceptors=hosted.interceptors, health=health, grace_s=1)
        async with listener as port, open_tcp(f"ipv4:127.0.0.1:{port}", MESSAGE.name) as channel:
            yield hosted, MeshChannel(channel, metrics)


async def login(hosted: Hosted) -> str:
    request = LoginRequest(username=next(iter(SEEDS)), password=seed_password(hosted.mesh.settings))
    token: str = (await SessionServiceStub(hosted.mesh.channel(USER.name)).Login(request)).access_token
    return token


@asynccontextmanager
async def open_gateway(channel: grpc.aio.Channel, token: str) -> AsyncIterator[Gateway]:
    """A gateway to a new conversation."""
    request = CreateConversationRequest(type=CONVERSATION_TYPE_GROUP, name="bench")
    metadata = (("authorization", f"Bearer {token}"),)
    created = await ConversationServiceStub(channel).CreateConversation(request, metadata=metadata)
    async with stream(FeedServiceStub(channel).Relay()) as call:
        gateway = Gateway(call, created.conversation.id)
        await gateway.attach(token)
        yield gateway


async def published(registry: CollectorRegistry) -> None:
    """Waits until the outbox has nothing left to publish."""
    async with asyncio.timeout(60):
        while registry.get_sample_value("chat_outbox_rows", {"service": MESSAGE.name}):
            await asyncio.sleep(0.01)


async def measure(
    gateway: Gateway, registry: CollectorRegistry, name: str, load: tuple[int, int, int]
) -> Sequence[str]:
    a_frame, under_way, count = load
    await gateway.send(a_frame, under_way, count // 10 // a_frame * a_frame)
    await published(registry)
    watch = Stopwatch()
    await gateway.send(a_frame, under_way, count)
    wall_s = watch.wall_s()
    await published(registry)
    cpu_s = watch.cpu_s()
    row = f"{name}, {a_frame} a frame, {under_way} under way"
    return row, f"{count / wall_s:.0f}", f"{cpu_s / count * 1e6:.0f}"


async def table() -> Table:
    found = Table(
        "Messages through one Relay stream",
        ("", "messages/s", "µs CPU each"),
        "Sent, written (SQLite in memory), acknowledged and delivered to the same stream, every number checked. Both\n"
        "ends are in this process; CPU counts both, and the outbox until it is empty.",
    )
    registry = CollectorRegistry()
    with in_memory() as folder:
        async with serve(folder, registry) as (hosted, remote):
            token = await login(hosted)
            for name, channel in (("in process", hosted.mesh.channel(MESSAGE.name)), ("TCP", remote)):
                async with open_gateway(channel, token) as gateway:
                    for load in LOADS:
                        found.rows.append(await measure(gateway, registry, name, load))
    return found

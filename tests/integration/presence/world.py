"""The presence service behind its real interceptors, with a message service that knows the members of a group."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils.compat import uuid7

from chat.common.v1.page_pb2 import Page
from chat.message.v1.conversation_pb2 import Member
from chat.message.v1.conversation_service_pb2 import ListMembersRequest, ListMembersResponse
from chat.message.v1.conversation_service_pb2_grpc import (
    ConversationServiceServicer,
    add_ConversationServiceServicer_to_server,
)
from chat.message.v1.message_pb2 import Profile
from chat.presence.v1 import presence_pb2
from chat.presence.v1 import presence_service_pb2 as pb
from chat.presence.v1.presence_service_pb2_grpc import PresenceServiceStub
from mesh.call.channel import MeshChannel, stream
from mesh.call.context import caller
from mesh.call.inprocess import InProcessServer
from mesh.call.interceptors import AdmissionInterceptor, ErrorInterceptor, TelemetryInterceptor
from mesh.call.status import from_rpc_error
from mesh.errors import NotFound
from mesh.events.bus_local import LocalBus
from mesh.identity import tokens
from mesh.identity.jwk import to_jwk
from mesh.identity.principal import DEFAULT_WORKSPACE, Principal
from mesh.identity.proof import Proofs
from mesh.identity.verifier import Verifier
from mesh.service import Mesh
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics, new_registry
from services.presence.service import open_presence

R = TypeVar("R")
WITHIN_S = 15


class Groups(ConversationServiceServicer):
    """Answers one method, for the groups that it is given: member ids by the group's id."""

    def __init__(self) -> None:
        self.members: dict[str, list[str]] = {}

    async def ListMembers(self, request: ListMembersRequest, context: object) -> ListMembersResponse:
        members = self.members.get(request.conversation_id, [])
        if caller().user_id not in members:
            raise NotFound("CONVERSATION_NOT_FOUND", "No.")
        start, end = int(request.cursor or 0), int(request.cursor or 0) + request.limit
        more = end < len(members)
        page = Page(next_cursor=str(end) if more else "", has_more=more, limit=request.limit)
        return ListMembersResponse(items=[Member(user=Profile(id=id_)) for id_ in members[start:end]], page=page)


class Gateway:
    """A Heartbeat stream as a gateway writes and reads it."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._frames = aiter(call)

    async def write(self, **fields: Any) -> None:
        await self._call.write(pb.HeartbeatRequest(gateway_id="gateway", **fields))

    async def delta(self, user_id: str) -> pb.PresenceDelta:
        """The next one about a user."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                for delta in (await self.frame()).deltas:
                    if delta.presence.user_id == user_id:
                        return delta

    async def end(self) -> None:
        """Reads until the stream ends. Raises what it ends with."""
        while True:
            await self.frame()

    async def frame(self) -> pb.HeartbeatResponse:
        async with asyncio.timeout(WITHIN_S):
            try:
                frame: pb.HeartbeatResponse = await anext(self._frames)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error
        return frame


class World:
    """`ask` makes a call as a user and raises the errors that they would see."""

    def __init__(self, key: Ed25519PrivateKey, mesh: Mesh, groups: Groups) -> None:
        self.mesh, self.groups = mesh, groups
        self.users: dict[str, str] = {}
        """Workspaces by user id."""
        self.drains: list[Callable[[], None]] = []
        self.presence = PresenceServiceStub(mesh.channel("presence"))
        self._key = key
        self._kid = to_jwk(key.public_key())["kid"]

    def user(self, workspace_id: str = DEFAULT_WORKSPACE) -> str:
        user_id = str(uuid7())
        self.users[user_id] = workspace_id
        return user_id

    def metadata(self, user_id: str, *, lifetime_s: float = 600) -> tuple[tuple[str, str], ...]:
        end = int(time.time() + lifetime_s)
        principal = Principal(user_id, f"session of {user_id}", "user", end, self.users[user_id])
        token = tokens.sign(
            principal, issued_at=int(time.time()) - 60, token_id=str(uuid7()), key=self._key, kid=self._kid
        )
        return (("authorization", f"Bearer {token}"),)

    async def ask(self, method: Callable[..., Awaitable[R]], request: Any, user_id: str) -> R:
        try:
            return await method(request, metadata=self.metadata(user_id))
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    async def see(self, user_id: str, other_id: str = "") -> presence_pb2.Presence:
        """How a user sees another one, or themselves."""
        return (await self.ask(self.presence.GetPresence, pb.GetPresenceRequest(user_id=other_id), user_id)).presence

    async def until(self, user_id: str, other_id: str, state: presence_pb2.PresenceState.ValueType) -> None:
        """Waits until a user sees another one in a state."""
        async with asyncio.timeout(WITHIN_S):
            while (await self.see(user_id, other_id)).state != state:
                await asyncio.sleep(0.01)

    def lease(self, user_id: str, socket_id: str = "s1", **fields: Any) -> pb.DeviceLease:
        return pb.DeviceLease(
            workspace_id=self.users[user_id], user_id=user_id, device_id="session", socket_id=socket_id, **fields
        )

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[Gateway]:
        async with stream(self.presence.Heartbeat()) as call:
            yield Gateway(call)


@asynccontextmanager
async def open_world(data: Path, presence_url: str) -> AsyncIterator[World]:
    key, metrics, groups = Ed25519PrivateKey.generate(), Metrics(new_registry()), Groups()  # type: ignore[abstract]
    verifier = Verifier(_keys_of(key))
    server = InProcessServer(
        (TelemetryInterceptor(metrics), ErrorInterceptor(), AdmissionInterceptor(verifier, Proofs(bytes(32))))
    )
    add_ConversationServiceServicer_to_server(groups, server)  # type: ignore[arg-type]
    drains: list[Callable[[], None]] = []
    mesh = Mesh(
        settings=Settings(data=data, presence_url=presence_url),
        secret=bytes(32),
        channel=lambda _: MeshChannel(server.channel(), metrics),
        verifier=verifier,
        bus=LocalBus(_no_dead_letters),
        metrics=metrics,
        at_drain=drains.append,
    )
    async with open_presence(mesh) as register:
        register(server)
        world = World(key, mesh, groups)
        world.drains = drains
        yield world
        await server.stop(1)


async def _no_dead_letters(event: object) -> None:
    raise AssertionError(f"a dead letter: {event}")


def _keys_of(key: Ed25519PrivateKey) -> Any:
    async def fetch() -> list[dict[str, str]]:
        return [to_jwk(key.public_key())]

    return fetch

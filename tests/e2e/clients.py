"""Small clients of the three surfaces, such as a user's own program would hold."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
import httpx2
import socketio

from chat.message.v1.conversation_service_pb2_grpc import ConversationServiceStub
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from chat.message.v1.message_service_pb2 import SendMessageRequest
from chat.message.v1.message_service_pb2_grpc import MessageServiceStub
from chat.user.v1.account_service_pb2_grpc import AccountServiceStub
from chat.user.v1.session_service_pb2_grpc import SessionServiceStub

PASSWORD = "correct horse battery staple"
WITHIN_S = 10.0

Sent = tuple[str, bool]
"""The id of a message, and whether it was there before."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account and an open session."""

    id: str
    username: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)


class Socket:
    """A connected socket that keeps what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self._arrived = asyncio.Event()
        self._gone = asyncio.Event()
        self.client = socketio.AsyncClient(reconnection=False)
        self.client.on("*", self._keep)
        self.client.on("disconnect", self._gone.set)

    async def _keep(self, event: str, data: Any = None) -> None:
        self.events.append((event, data))
        self._arrived.set()

    async def ask(self, event: str, data: Any, **meta: Any) -> dict[str, Any]:
        """Sends an event; its acknowledgement. Raises ConnectionError when the connection ends before it comes."""
        call = asyncio.create_task(self.client.call(event, (data, meta) if meta else data, timeout=WITHIN_S))
        gone = asyncio.create_task(self._gone.wait())
        await asyncio.wait((call, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not call.done():
            call.cancel()
            raise ConnectionError("the connection ended")
        answer: dict[str, Any] = call.result()
        return answer

    async def until(self, *events: str, where: Callable[[Any], bool] = lambda _: True) -> Any:
        """The first of `events`, received already or yet to come, whose data fits."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                for event, data in self.events:
                    if event in events and where(data):
                        return data
                self._arrived.clear()
                await self._arrived.wait()

    def named(self, event: str) -> list[Any]:
        """The data of all events of this name so far."""
        return [data for name, data in self.events if name == event]


class Clients:
    """One client of each surface of a server."""

    def __init__(self, url: str, rest: httpx2.AsyncClient, channel: grpc.aio.Channel) -> None:
        self.url = url
        self.rest = rest
        self.accounts = AccountServiceStub(channel)
        self.sessions = SessionServiceStub(channel)
        self.conversations = ConversationServiceStub(channel)
        self.messages = MessageServiceStub(channel)
        self.feed = FeedServiceStub(channel)
        self.sockets: list[Socket] = []

    async def register(self, name: str = "user") -> User:
        """A new account, logged in."""
        username = f"{name}-{uuid4().hex[:12]}"
        new = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
        (await self.rest.post("/api/users/register", json=new)).raise_for_status()
        return await self.login(username)

    async def login(self, username: str, password: str = PASSWORD) -> User:
        answer = await self.rest.post("/api/users/login", json={"username": username, "password": password})
        answer.raise_for_status()
        session = answer.json()
        return User(session["user"]["id"], session["user"]["username"], session["access_token"])

    async def group(self, owner: User, *others: User, name: str = "group") -> str:
        """The id of a new group."""
        new = {"type": "group", "name": name, "member_ids": [user.id for user in others]}
        answer = await self.rest.post("/api/messages/conversations", json=new, headers=owner.headers)
        answer.raise_for_status()
        return str(answer.json()["id"])

    async def connect(self, user: User, transports: Sequence[str] = ("websocket",), **auth: Any) -> Socket:
        """A socket that has been greeted."""
        socket = Socket()
        self.sockets.append(socket)
        await socket.client.connect(
            self.url,
            auth={"token": user.token, **auth},
            transports=list(transports),
            socketio_path="ws",
            wait_timeout=10,  # Busy machines may need longer than its second.
        )
        await socket.until("hello")
        return socket


async def send_rest(clients: Clients, user: User, **message: Any) -> Sent:
    answer = await clients.rest.post("/api/messages", json=message, headers=user.headers)
    answer.raise_for_status()
    return answer.json()["id"], answer.headers.get("Idempotent-Replayed") == "true"


async def send_grpc(clients: Clients, user: User, **message: Any) -> Sent:
    answer = await clients.messages.SendMessage(SendMessageRequest(**message), metadata=user.metadata)
    return answer.message.id, answer.replayed


async def send_socket(socket: Socket, **message: Any) -> Sent:
    answer = await socket.ask("send-message", message)
    assert answer["ok"], answer
    return answer["data"]["id"], answer["replayed"]


@asynccontextmanager
async def open_clients(url: str, grpc_target: str) -> AsyncIterator[Clients]:
    """Clients of the server at these addresses. Leaving it disconnects them."""
    async with (
        httpx2.AsyncClient(base_url=url, timeout=WITHIN_S) as rest,
        grpc.aio.insecure_channel(grpc_target) as rpc,
    ):
        clients = Clients(url, rest, rpc)
        try:
            yield clients
        finally:
            await asyncio.gather(*[socket.client.disconnect() for socket in clients.sockets])

"""A whole system inside the test's own loop, and clients that reach it over sockets."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import socketio

from cli.serve import FACADE, SERVICES, serving
from mesh.settings import Settings
from services.message.service import MIGRATIONS as MESSAGE
from services.user.seed import seed_password
from services.user.service import MIGRATIONS as USER
from tests.contract.databases import lay_schema

ANY = "127.0.0.1:0"
SCHEMAS = {"user": USER, "message": MESSAGE}
EVERYTHING = [*SERVICES, FACADE]


@dataclass
class Device:
    """A Socket.IO client that keeps every event it got."""

    client: socketio.AsyncClient
    events: list[tuple[str, Any]] = field(default_factory=list)

    def named(self, event: str) -> list[Any]:
        return [data for name, data in self.events if name == event]


async def connect_socket(client: socketio.AsyncClient, url: str, auth: Any) -> None:
    """Opens a WebSocket. Busy machines may need longer than the second that the client waits by itself."""
    await client.connect(url, socketio_path="/ws", transports=["websocket"], auth=auth, wait_timeout=10)


class System:
    """A running system: where it listens, and users to be."""

    def __init__(self, banners: list[str], settings: Settings, stack: AsyncExitStack) -> None:
        said = "\n".join(banners)
        self.url = _find(r"ready: (\S+)", said)
        self.grpc = re.findall(r"^grpc +(\S+)$", said, re.MULTILINE)
        self.admin = _find(r"^admin +(\S+)$", said)
        self.data = settings.data
        self.password = seed_password(settings)
        self._stack = stack

    def at_end(self, what: Callable[[], Any]) -> None:
        """Awaits it when the system ends."""
        self._stack.push_async_callback(what)

    async def http(self, username: str = "") -> httpx2.AsyncClient:
        """A REST client, logged in when a seeded user is named."""
        client = await self._stack.enter_async_context(httpx2.AsyncClient(base_url=self.url))
        if username:
            login = {"username": username, "password": self.password}
            client.headers["Authorization"] = (
                f"Bearer {(await client.post('/api/users/login', json=login)).json()['access_token']}"
            )
        return client

    async def device(self, http: httpx2.AsyncClient, **auth: Any) -> Device:
        """A socket of the same user; `auth` adds to what it connects with."""
        device = Device(socketio.AsyncClient(reconnection=False))
        device.client.on("*", lambda event, *data: device.events.append((event, data[0] if data else None)))
        token = http.headers["Authorization"].removeprefix("Bearer ")
        await connect_socket(device.client, self.url, {"token": token, **auth})
        self._stack.push_async_callback(device.client.disconnect)
        return device


Start = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a system: everything in one mesh, or each part in one of its own that the others reach over TCP."""
    async with AsyncExitStack() as stack:

        async def run(*, apart: bool = False, **more: Any) -> System:
            chosen = {"http": ANY, "grpc": ANY, "admin": ANY, "limits": "off", **more}
            settings = Settings(data=tmp_path / "data", **chosen)
            for name, migrations in SCHEMAS.items():  # Quicker than to have them made anew.
                lay_schema(settings.data / f"{name}.db", migrations)
            if not apart:
                banner = await stack.enter_async_context(serving(settings, EVERYTHING))
                return System([banner], settings, stack)
            user = await stack.enter_async_context(serving(settings, ["user"]))
            addressed = settings.model_copy(update={"user_address": target(user)})
            message = await stack.enter_async_context(serving(addressed, ["message"]))
            addressed = addressed.model_copy(update={"message_address": target(message)})
            presence = await stack.enter_async_context(serving(addressed, ["presence"]))
            addressed = addressed.model_copy(update={"presence_address": target(presence)})
            facade = await stack.enter_async_context(serving(addressed, [FACADE]))
            return System([user, message, presence, facade], settings, stack)

        yield run


def target(banner: str) -> str:
    """The gRPC target of the process that printed a banner."""
    return "ipv4:" + _find(r"^grpc +(\S+)$", banner)


def _find(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match, text
    return match[1]

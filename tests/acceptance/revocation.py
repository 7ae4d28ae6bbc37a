"""Sessions end in every possible way, and it is measured how long each surface goes on taking their tokens.

Run as `python -m tests.acceptance.revocation [trials]`. User service, message service and facade are processes of their
own. Afterwards the stream between them fails in three ways. It ends with 1 when something took longer than promised.
"""

import asyncio
import random
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc

from chat.message.v1.conversation_service_pb2 import ListConversationsRequest
from chat.message.v1.feed_service_pb2 import SubscribeRequest
from chat.user.v1.administration_service_pb2 import GrantRoleRequest
from chat.user.v1.administration_service_pb2_grpc import AdministrationServiceStub
from chat.user.v1.session_service_pb2 import LogoutRequest
from chat.user.v1.session_service_pb2_grpc import SessionServiceStub
from chat.user.v1.user_pb2 import USER_ROLE_ADMIN
from mesh.call.channel import MeshChannel, open_tcp
from mesh.call.status import from_rpc_error
from mesh.identity.proof import Proofs
from mesh.sealing import installation_secret
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics, new_registry
from tests.acceptance.parts import Part, Wire, serving
from tests.e2e.clients import Clients, User, open_clients

TRIALS, AT_ONCE, IN_TROUBLE = 200, 4, 20
P99_S, MAX_S = 5.0, 10.0
POLL_S = 0.05
PAUSE_S = 8.0
REASON = "SESSION_REVOKED"

End = Callable[[Clients, User, User], Awaitable[Any]]
"""Ends the session of the first; the second is another one of the same user."""
Stops = Mapping[str, "asyncio.Task[float]"]
"""By surface, when it stopped."""


@dataclass
class System:
    """Three processes, a wire to the user service, and who talks to them."""

    user: Part
    wire: Wire
    clients: Clients
    admin: User


# How each surface is seen to stop.


def check(error: grpc.aio.AioRpcError) -> None:
    """Nothing may stop for another reason."""
    if from_rpc_error(error).reason != REASON:
        raise error


async def rest(clients: Clients, who: User, path: str) -> float:
    while True:
        answer = await clients.rest.get(path, headers=who.headers)
        if answer.status_code == 401:
            assert answer.json()["code"] == REASON, answer.text
            return time.perf_counter()
        if answer.status_code < 500:  # A machine that is too busy to answer has not refused.
            answer.raise_for_status()
        await asyncio.sleep(POLL_S)


async def rpc(clients: Clients, who: User) -> float:
    while True:
        try:
            await clients.conversations.ListConversations(ListConversationsRequest(), metadata=who.metadata)
        except grpc.aio.AioRpcError as error:
            if not from_rpc_error(error).retryable:
                check(error)
                return time.perf_counter()
        await asyncio.sleep(POLL_S)


async def stream(clients: Clients, who: User, ready: asyncio.Event) -> float:
    try:
        async for _ in clients.feed.Subscribe(SubscribeRequest(), metadata=who.metadata):
            ready.set()
    except grpc.aio.AioRpcError as error:
        check(error)
    return time.perf_counter()


async def feed(clients: Clients, who: User, ready: asyncio.Event) -> float:
    last = ""
    async with clients.rest.stream("POST", "/api/messages/feed", json={}, headers=who.headers, timeout=None) as lines:
        async for line in lines.aiter_lines():
            ready.set()
            last = line or last
    assert REASON in last, last
    return time.perf_counter()


async def socket(clients: Clients, who: User, ready: asyncio.Event) -> float:
    device = await clients.connect(who)
    ready.set()
    while device.client.connected:
        await asyncio.sleep(POLL_S / 5)
    assert device.named("session-revoked"), device.events
    return time.perf_counter()


async def working(clients: Clients, who: User, *, with_user: bool) -> Stops:
    """All surfaces, in use by a session."""
    ready = [asyncio.Event() for _ in range(3)]
    watches: dict[str, Any] = {
        "gRPC stream": stream(clients, who, ready[0]),
        "REST feed": feed(clients, who, ready[1]),
        "socket": socket(clients, who, ready[2]),
    }
    stops = {name: asyncio.create_task(watch) for name, watch in watches.items()}
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in ready)), 30)
    stops["REST, messages"] = asyncio.create_task(rest(clients, who, "/api/messages/conversations"))
    stops["gRPC, messages"] = asyncio.create_task(rpc(clients, who))
    if with_user:
        stops["REST, users"] = asyncio.create_task(rest(clients, who, "/api/users/me"))
    return stops


# How sessions end.


async def log_out(clients: Clients, who: User, other: User) -> Any:
    return await clients.rest.post("/api/users/logout", json={}, headers=who.headers)


async def revoke(clients: Clients, who: User, other: User) -> Any:
    sessions = (await clients.rest.get("/api/users/me/sessions", headers=who.headers)).json()["items"]
    (mine,) = [session["id"] for session in sessions if session["is_current"]]
    return await clients.rest.delete(f"/api/users/me/sessions/{mine}", headers=other.headers)


async def revoke_all(clients: Clients, who: User, other: User) -> Any:
    keep = {"keep_current": True}
    return await clients.rest.post("/api/users/me/sessions:revokeAll", json=keep, headers=other.headers)


def suspend_by(admin: User) -> End:
    async def suspend(clients: Clients, who: User, other: User) -> Any:
        return await clients.rest.post(f"/api/users/{who.id}:suspend", json={}, headers=admin.headers)

    return suspend


class Found:
    """How long it took, by surface."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = defaultdict(list)

    async def add(self, stops: Stops, since: float) -> None:
        for name, stop in stops.items():
            self._seconds[name].append(await asyncio.wait_for(stop, 60) - since)

    def report(self, title: str) -> list[str]:
        """Prints the figures; what is broken."""
        print(f"\n{title}\n{'':<16} {'trials':>7} {'p50':>7} {'p99':>7} {'max':>7}  seconds")
        broken = []
        for name, seconds in sorted(self._seconds.items()):
            seconds.sort()
            p50, p99, most = (seconds[min(len(seconds) - 1, int(len(seconds) * part))] for part in (0.5, 0.99, 1))
            print(f"{name:<16} {len(seconds):>7} {p50:>7.2f} {p99:>7.2f} {most:>7.2f}", flush=True)
            if p99 > P99_S or most > MAX_S:
                broken.append(f"{title}: {name} took {p99:.2f} s (p99), {most:.2f} s at most")
        return broken


async def ended(system: System, trials: int) -> list[str]:
    """Sessions that end in turn by each way, while all surfaces are in use."""
    ends: Sequence[End] = (log_out, revoke, revoke_all, suspend_by(system.admin))
    found, places = Found(), asyncio.Semaphore(AT_ONCE)

    async def trial(number: int) -> None:
        async with places:
            who = await system.clients.register()
            other = await system.clients.login(who.username)
            stops = await working(system.clients, who, with_user=True)
            since = time.perf_counter()
            (await ends[number % len(ends)](system.clients, who, other)).raise_for_status()
            await found.add(stops, since)

    await asyncio.gather(*(trial(number) for number in range(trials)))
    return found.report(f"{trials} sessions, by log-out, by another session, all at once, by an admin")


async def in_trouble(system: System, title: str, trouble: Callable[[], Any]) -> list[str]:
    """Sessions that end at moments of their own after something has failed; told to the user service directly."""
    users = [await system.clients.register() for _ in range(IN_TROUBLE)]
    in_use = [await working(system.clients, user, with_user=False) for user in users]
    found = Found()
    trouble()

    async def trial(user: User, stops: Stops) -> None:
        await asyncio.sleep(random.uniform(0, 6))
        since = time.perf_counter()
        async with grpc.aio.insecure_channel(system.user.grpc) as channel:
            await SessionServiceStub(channel).Logout(LogoutRequest(), metadata=user.metadata)
        await found.add(stops, since)

    await asyncio.gather(*(trial(user, stops) for user, stops in zip(users, in_use, strict=True)))
    return found.report(title)


async def paused(system: System) -> list[str]:
    """The user service hangs: tokens go on, and end when it is back."""
    user = await system.clients.register()
    stops = await working(system.clients, user, with_user=False)
    with system.user.paused():
        await asyncio.sleep(PAUSE_S)
        stopped = [name for name, stop in stops.items() if stop.done()]
    for stop in stops.values():
        stop.cancel()
    await asyncio.gather(*stops.values(), return_exceptions=True)
    broken = [f"while the user service hung, {name} stopped" for name in stopped]
    return broken + await in_trouble(system, f"after the user service hung for {PAUSE_S:.0f} s", lambda: None)


async def run(system: System, trials: int) -> list[str]:
    def swallow() -> None:
        system.wire.swallow()

    def flap() -> None:
        system.wire.lasts_s = 0.4
        system.wire.cut()

    broken = await ended(system, trials)
    broken += await paused(system)
    broken += await in_trouble(system, "after the connections to the user service went dead, unnoticed", swallow)
    system.wire.cut()
    return broken + await in_trouble(system, "while connections to the user service break every 0.4 s", flap)


async def make_admin(data: Path, user: Part, clients: Clients) -> User:
    admin = await clients.register("admin")
    proofs = Proofs(installation_secret(Settings(data=data)))
    async with MeshChannel(open_tcp(user.grpc, "user"), Metrics(new_registry()), proofs) as channel:
        request = GrantRoleRequest(username=admin.username, role=USER_ROLE_ADMIN)
        await AdministrationServiceStub(channel).GrantRole(request)
    return await clients.login(admin.username)


@asynccontextmanager
async def open_system(data: Path) -> AsyncIterator[System]:
    async with AsyncExitStack() as stack:

        async def start(part: str, **settings: str) -> Part:
            starting = serving(part, data, **settings)
            return await asyncio.to_thread(stack.enter_context, starting)

        user = await start("user")
        wire = Wire(user.grpc)
        to_user = await stack.enter_async_context(wire.listen())
        message = await start("message", CHAT_USER_ADDRESS=to_user)
        facade = await start("facade", CHAT_USER_ADDRESS=to_user, CHAT_MESSAGE_ADDRESS=message.grpc)
        clients = await stack.enter_async_context(open_clients(facade.http, message.grpc))
        yield System(user, wire, clients, await make_admin(data, user, clients))


async def main(trials: int) -> int:
    with TemporaryDirectory() as folder:
        async with open_system(Path(folder) / "data") as system:
            broken = await run(system, trials)
    print(*broken, sep="\n")
    print(f"{len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS)))

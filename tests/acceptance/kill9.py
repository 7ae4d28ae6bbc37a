"""The process is killed again and again under load, and nothing that was acknowledged is lost, doubled or out of order.

Run as `python -m tests.acceptance.kill9 [kills] [--postgres]`; the latter on the database of CHAT_TEST_POSTGRES_URL,
where it is only the platform that is killed. Senders on three surfaces repeat what has no answer, with the same
client_msg_id; followers on two go on from their place. It ends with 1 when a promise is broken.
"""

import asyncio
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import httpx2
import socketio

from chat.message.v1.feed_service_pb2 import SubscribeRequest
from chat.message.v1.message_service_pb2 import SendMessageRequest
from mesh.call.status import from_rpc_error
from tests.acceptance.history import Entry, missed, violations
from tests.acceptance.postgres import asked_for, database_settings
from tests.e2e.clients import Clients, Socket, User, open_clients
from tests.e2e.conftest import Server, start

KILLS, CONVERSATIONS, SENDERS_EACH = 20, 5, 6
ACKS_BEFORE_A_KILL = 100
ANSWER_S, RETRY_S = 3.0, 0.1

Send = Callable[[dict[str, Any]], Awaitable[tuple[Any, bool]]]
"""Sends a message; the stored one, and whether it was there. Raises Unanswered when nobody knows what became of it."""


class Unanswered(Exception):
    """The outcome of a send is unknown, or it was refused for now: it is to be sent again."""


class Load:
    """What was sent, what was acknowledged, and what followers saw."""

    def __init__(self, groups: Sequence[str]) -> None:
        self.groups = groups
        self.attempted: set[str] = set()
        self.acked: list[Entry] = []
        self.unanswered: Counter[str] = Counter()
        self.found_written = 0
        """Messages that were on disk although nobody had been told."""
        self.seen: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        """By follower and conversation, the positions in the order they came."""
        self.last: dict[str, int] = {}
        self.done = False

    def missed(self) -> list[str]:
        """What is wrong with what the followers saw."""
        return [f"{name} {line}" for name in ("gRPC", "Socket.IO") for line in missed(self.seen[name], self.last)]

    async def send_on(self, name: str, send: Send) -> None:
        """Sends one message after the other, each until it is acknowledged."""
        number = 0
        while not self.done:
            number += 1
            key, group = f"{name}-{number}", random.choice(self.groups)
            message = {"conversation_id": group, "client_msg_id": key, "text": f"{name} says {number}"}
            self.attempted.add(key)
            stored, replayed = await self._sent(name, send, message)
            self.found_written += replayed
            self.acked.append(Entry(group, stored["seq"], stored["id"], key, stored["text"]))

    async def _sent(self, name: str, send: Send, message: dict[str, Any]) -> tuple[Any, bool]:
        while True:
            try:
                async with asyncio.timeout(ANSWER_S):
                    return await send(message)
            except (Unanswered, TimeoutError):
                self.unanswered[name.split("-")[0]] += 1
                await asyncio.sleep(RETRY_S)


def rest_sender(clients: Clients, user: User) -> Send:
    async def send(message: dict[str, Any]) -> tuple[Any, bool]:
        try:
            answer = await clients.rest.post("/api/messages", json=message, headers=user.headers)
        except httpx2.TransportError as error:
            raise Unanswered from error
        if answer.status_code == 503:
            raise Unanswered(answer.text)
        return answer.raise_for_status().json(), "Idempotent-Replayed" in answer.headers

    return send


def grpc_sender(clients: Clients, user: User) -> Send:
    async def send(message: dict[str, Any]) -> tuple[Any, bool]:
        request = SendMessageRequest(**message)
        try:
            answer = await clients.messages.SendMessage(request, metadata=user.metadata)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise Unanswered from error
            raise from_rpc_error(error) from error
        stored = answer.message
        return {"seq": stored.seq, "id": stored.id, "text": stored.text}, answer.replayed

    return send


def socket_sender(clients: Clients, user: User) -> Send:
    socket: Socket | None = None

    async def send(message: dict[str, Any]) -> tuple[Any, bool]:
        nonlocal socket
        try:
            if socket is None or not socket.client.connected:
                socket = await clients.connect(user)
            ack = await socket.ask("send-message", message)
        except (socketio.exceptions.SocketIOError, ConnectionError, TimeoutError) as error:
            socket = None
            raise Unanswered from error
        if not ack["ok"]:
            if ack["problem"]["status"] == 503:
                raise Unanswered(ack["problem"]["code"])
            raise RuntimeError(str(ack["problem"]))
        return ack["data"], ack["replayed"]

    return send


async def follow_grpc(load: Load, clients: Clients, user: User) -> None:
    """Subscribes again and again, each time from the place reached."""
    seen, user_pos = load.seen["gRPC"], 0
    while True:
        positions = {group: len(seen[group]) for group in load.groups}
        call = clients.feed.Subscribe(SubscribeRequest(user_pos=user_pos, positions=positions), metadata=user.metadata)
        try:
            async for item in call:
                if item.change.pos:
                    seen[item.change.conversation_id].append(item.change.pos)
                user_pos = item.change.user_pos or user_pos
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise from_rpc_error(error) from error
            await asyncio.sleep(RETRY_S)


async def follow_sockets(load: Load, clients: Clients, user: User) -> None:
    """Connects again and again, each time with the place reached."""
    seen = load.seen["Socket.IO"]
    while True:
        place = {"user_pos": 0, "positions": {group: len(seen[group]) for group in load.groups}}
        taken = 0
        try:
            socket = await clients.connect(user, resume=place)
            while socket.client.connected:
                for _, data in socket.events[taken:]:
                    if isinstance(data, dict) and data.get("pos"):
                        seen[data["conversation_id"]].append(data["pos"])
                taken = len(socket.events)
                await asyncio.sleep(RETRY_S)
        except (socketio.exceptions.SocketIOError, TimeoutError):
            await asyncio.sleep(RETRY_S)


@asynccontextmanager
async def running(load: Load, clients: Clients, users: Sequence[User]) -> AsyncIterator[None]:
    """The load, while the block runs; at its end every sender has its last acknowledgement."""
    senders = {"REST": rest_sender, "gRPC": grpc_sender, "Socket.IO": socket_sender}
    async with asyncio.TaskGroup() as followers:
        following = [
            followers.create_task(follow_grpc(load, clients, users[0])),
            followers.create_task(follow_sockets(load, clients, users[1])),
        ]
        async with asyncio.TaskGroup() as sending:
            for number in range(SENDERS_EACH):
                for surface, sender in senders.items():
                    send = sender(clients, users[number % len(users)])
                    sending.create_task(load.send_on(f"{surface}-{number}", send))
            yield
            load.done = True
        load.last = await last_positions(clients, users[0], load.groups)
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                while load.missed():
                    await asyncio.sleep(RETRY_S)
        for task in following:
            task.cancel()


async def last_positions(clients: Clients, user: User, groups: Sequence[str]) -> dict[str, int]:
    found = {}
    for group in groups:
        answer = await clients.rest.get(f"/api/messages/conversations/{group}", headers=user.headers)
        found[group] = answer.raise_for_status().json()["last_pos"]
    return found


async def stored(clients: Clients, user: User, groups: Sequence[str]) -> list[Entry]:
    """All messages of all conversations."""
    found = []
    for group in groups:
        query = {"conversation_id": group, "limit": "100", "after_seq": "0"}
        while query:
            page = (
                (await clients.rest.get("/api/messages", params=query, headers=user.headers)).raise_for_status().json()
            )
            found += [Entry(group, m["seq"], m["id"], m["client_msg_id"], m["text"]) for m in page["items"]]
            cursor = page["page"]["next_cursor"]
            query = {"conversation_id": group, "limit": "100", "cursor": cursor} if cursor else {}
    return found


async def kill_again(servers: list[Server], load: Load, kills: int, settings: Mapping[str, str]) -> None:
    """Kills the last server and starts the next, while the load runs."""
    for number in range(1, kills + 1):
        acks, unanswered = len(load.acked), load.unanswered.total()
        async with asyncio.timeout(30):
            while len(load.acked) < acks + ACKS_BEFORE_A_KILL:
                await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(0, 0.5))
        server, killed_at = servers[-1], time.perf_counter()
        server.stop(signal.SIGKILL)
        address = server.http.removeprefix("http://")
        at = {"CHAT_HTTP": address, "CHAT_GRPC": server.grpc}
        servers.append(await asyncio.to_thread(start, server.data, **at, **settings))
        back_s, tries = time.perf_counter() - killed_at, load.unanswered.total() - unanswered
        print(
            f"kill {number:2}: {len(load.acked):6,} acknowledged, {tries:4} tries without, back in {back_s:.1f} s",
            flush=True,
        )


async def run(servers: list[Server], kills: int, settings: Mapping[str, str]) -> list[str]:
    """Loads and kills; what is broken."""
    async with open_clients(servers[0].http, servers[0].grpc) as clients:
        users = [await clients.register(f"user{n}") for n in range(4)]
        load = Load([await clients.group(*users) for _ in range(CONVERSATIONS)])
        async with running(load, clients, users):
            await kill_again(servers, load, kills, settings)
        found = await stored(clients, users[-1], load.groups)
    tries = ", ".join(f"{surface} {count:,}" for surface, count in load.unanswered.items())
    print(f"{len(load.acked):,} acknowledged, {len(found):,} found; tries without an answer: {tries}")
    print(f"{load.found_written} of the messages without an answer were on disk; each repeat was answered with them")
    followed = ", ".join(f"{name} {sum(map(len, seen.values())):,}" for name, seen in load.seen.items())
    print(f"changes that followers got across the kills: {followed}")
    return [*violations(load.acked, found, load.attempted), *load.missed()]


def main(kills: int, *, postgres: bool) -> int:
    with TemporaryDirectory() as folder, database_settings(postgres) as settings:
        servers = [start(Path(folder) / "data", **settings)]
        try:
            broken = asyncio.run(run(servers, kills, settings))
        finally:
            servers[-1].stop(signal.SIGKILL)
    print(*broken[:20], sep="\n")
    print(f"{kills} kills: {len(broken)} violations")
    return 1 if broken else 0


if __name__ == "__main__":
    on_postgres = asked_for()
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else KILLS, postgres=on_postgres))

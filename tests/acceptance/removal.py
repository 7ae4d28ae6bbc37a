"""Members are removed while others write, and nothing that was written after the removal reaches them.

Run as `python -m tests.acceptance.removal [rounds] [--postgres]`. In each round somebody is removed from a group in
which two others write, while they read it by every way there is: a live feed, a socket, history, sync and search. It
ends with 1 when a message with a number after the removal was seen, or a change that stands after it in the log.
"""

import asyncio
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import grpc

from chat.message.v1.change_pb2 import Change
from chat.message.v1.conversation_pb2 import CONVERSATION_TYPE_GROUP
from chat.message.v1.conversation_service_pb2 import CreateConversationRequest, RemoveMemberRequest
from chat.message.v1.feed_service_pb2 import SubscribeRequest, SyncRequest
from chat.message.v1.message_service_pb2 import ListMessagesRequest, SendMessageRequest
from chat.message.v1.search_service_pb2 import SearchMessagesRequest
from chat.message.v1.search_service_pb2_grpc import SearchServiceStub
from mesh.call.status import from_rpc_error
from tests.acceptance.postgres import asked_for, database_settings
from tests.e2e.clients import Clients, Socket, User, open_clients
from tests.e2e.conftest import start

ROUNDS, AT_ONCE, A_CAST = 10_000, 10, 500
WRITERS, SENDS_EACH = 2, 3
REMOVED_WITHIN_S, PAUSE_S, WITHIN_S = 0.1, 0.005, 60.0
Seen = tuple[str, int, int]
"""A way to read, and the number and the place of what was seen; 0 for what has none."""


class Cast:
    """An owner, two who write and one who is removed, with what the last one has seen, by conversation and by way."""

    def __init__(self, clients: Clients, search: SearchServiceStub, people: list[User], socket: Socket) -> None:
        self.clients, self._search, self._socket = clients, search, socket
        self.owner, *self.writers, self.victim = people
        self.seen: dict[str, list[Seen]] = defaultdict(list)
        self.ends: dict[str, tuple[int, int]] = {}
        """By conversation, number and place of the last things before the removal, as the owner is told them."""
        self._last: dict[str, int] = {}
        self._changed = asyncio.Condition()

    async def watch(self, who: User, tell: Callable[[Change], None], ready: asyncio.Event) -> None:
        async for item in self.clients.feed.Subscribe(SubscribeRequest(), metadata=who.metadata):
            if item.HasField("change"):
                async with self._changed:
                    tell(item.change)
                    self._changed.notify_all()
            ready.set()

    def owner_told(self, change: Change) -> None:
        id_ = change.conversation_id
        if change.type == "message-new" and id_ not in self.ends:
            self._last[id_] = change.seq
        elif change.type == "member-removed":
            self.ends[id_] = (self._last.get(id_, 0), change.pos)

    def victim_told(self, change: Change) -> None:
        self.seen[change.conversation_id].append(("live feed", change.seq, change.pos))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S), self._changed:
            await self._changed.wait_for(condition)

    def read_socket(self) -> None:
        for _, data in self._socket.events:
            if isinstance(data, dict) and data.get("conversation_id"):
                self.seen[data["conversation_id"]].append(("socket", data["seq"], data["pos"]))
        self._socket.events.clear()

    async def beacon(self, group: str) -> None:
        """Returns when all that was on its way to the victim has come: what is said now comes last."""
        seq = await self.say(self.owner, group, "now")
        await self.until(lambda: any((way, seen) == ("live feed", seq) for way, seen, _ in self.seen[group]))
        await self._socket.until(
            "message-new", where=lambda event: (event["conversation_id"], event["seq"]) == (group, seq)
        )
        self.read_socket()

    async def say(self, who: User, group: str, text: str) -> int:
        request = SendMessageRequest(conversation_id=group, text=text)
        return (await self.clients.messages.SendMessage(request, metadata=who.metadata)).message.seq

    async def group(self) -> str:
        others = [user.id for user in (*self.writers, self.victim)]
        request = CreateConversationRequest(type=CONVERSATION_TYPE_GROUP, name="round", member_ids=others)
        made = await self.clients.conversations.CreateConversation(request, metadata=self.owner.metadata)
        return made.conversation.id

    async def reads_by(self, way: str, group: str, word: str) -> bool:
        """Whether the victim was let in that way; what they got is kept."""
        ways: dict[str, Callable[[], Awaitable[list[Seen]]]] = {
            "history": lambda: self._history(group),
            "sync": lambda: self._sync(group),
            "search": lambda: self._found(group, word),
        }
        try:
            got = await ways[way]()
        except grpc.aio.AioRpcError as error:
            if from_rpc_error(error).reason != "CONVERSATION_NOT_FOUND":
                raise
            return False
        self.seen[group] += got
        return bool(got)

    async def _history(self, group: str) -> list[Seen]:
        request = ListMessagesRequest(conversation_id=group, limit=100)
        page = await self.clients.messages.ListMessages(request, metadata=self.victim.metadata)
        return [("history", message.seq, 0) for message in page.items]

    async def _sync(self, group: str) -> list[Seen]:
        request = SyncRequest(positions={group: 0})
        page = await self.clients.feed.Sync(request, metadata=self.victim.metadata)
        return [("sync", event.seq, event.pos) for event in page.events if event.conversation_id == group]

    async def _found(self, group: str, word: str) -> list[Seen]:
        search: Any = self._search  # Which knows nothing of waiting, as it is generated.
        page = await search.SearchMessages(SearchMessagesRequest(q=word, limit=50), metadata=self.victim.metadata)
        return [("search", item.message.seq, 0) for item in page.items if item.message.conversation_id == group]


async def play(cast: Cast, pick: random.Random) -> str:
    """One round: who is removed reads and reads, until nothing is let through. Its conversation."""
    group, word = await cast.group(), f"w{uuid4().hex}"
    over = asyncio.Event()

    async def write(who: User) -> None:
        for number in range(SENDS_EACH):
            await cast.say(who, group, f"{word} {number}")

    async def read(way: str) -> None:
        while not over.is_set():
            await cast.reads_by(way, group, word)
            await asyncio.sleep(PAUSE_S)

    async def remove() -> None:
        await asyncio.sleep(pick.random() * REMOVED_WITHIN_S)
        request = RemoveMemberRequest(conversation_id=group, user_id=cast.victim.id)
        await cast.clients.conversations.RemoveMember(request, metadata=cast.owner.metadata)

    reading = [asyncio.create_task(read(pick.choice(("history", "sync", "search"))))]
    await asyncio.gather(*[write(who) for who in cast.writers], remove())
    over.set()
    await asyncio.gather(*reading)
    await cast.say(cast.owner, group, f"{word} after")
    for way in ("history", "sync", "search"):
        assert not await cast.reads_by(way, group, word), f"{way} lets in who was removed"
    return group


def leaks(group: str, end: tuple[int, int], seen: Iterable[Seen]) -> list[str]:
    """What was seen of a conversation that ended with a number, by a removal that stands at a place."""
    last_seq, pos = end
    return [
        f"{group}, which ended at {last_seq} ({pos}): {way} told of {seq} ({place})"
        for way, seq, place in seen
        if seq > last_seq or place >= pos
    ]


@asynccontextmanager
async def open_cast(clients: Clients, search: SearchServiceStub) -> AsyncIterator[Cast]:
    people = [await clients.register(name) for name in ("owner", "writer", "writer", "victim")]
    socket = await clients.connect(people[-1])
    cast = Cast(clients, search, people, socket)
    ready = [asyncio.Event(), asyncio.Event()]
    watches = [
        asyncio.create_task(cast.watch(cast.owner, cast.owner_told, ready[0])),
        asyncio.create_task(cast.watch(cast.victim, cast.victim_told, ready[1])),
    ]
    try:
        await asyncio.gather(*[event.wait() for event in ready])
        yield cast
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        await socket.client.disconnect()
        clients.sockets.remove(socket)


async def run(clients: Clients, search: SearchServiceStub, rounds: int, seed: int) -> tuple[list[str], Counter[str]]:
    """What leaked in so many rounds, and how often the removed were let in before, by way."""
    pick, broken, reads = random.Random(seed), list[str](), Counter[str]()
    while rounds > 0:
        async with open_cast(clients, search) as cast:
            beacon = await cast.group()
            for _ in range(min(rounds, A_CAST), 0, -AT_ONCE):
                groups = await asyncio.gather(*[play(cast, pick) for _ in range(min(rounds, AT_ONCE))])
                rounds -= len(groups)
                await cast.beacon(beacon)
                await cast.until(lambda ended=groups: all(group in cast.ends for group in ended))  # type: ignore[misc]
                broken += [leak for group in groups for leak in leaks(group, cast.ends[group], cast.seen[group])]
                for group in groups:
                    reads.update(way for way, *_ in cast.seen.pop(group))
                cast.seen.clear()
    return broken, reads


async def main(rounds: int, databases: Any) -> int:
    seed, since = random.randrange(1 << 32), time.perf_counter()
    with TemporaryDirectory() as folder:
        server = await asyncio.to_thread(start, Path(folder) / "data", **databases)
        try:
            async with (
                open_clients(server.http, server.grpc) as clients,
                grpc.aio.insecure_channel(server.grpc) as channel,
            ):
                broken, reads = await run(clients, SearchServiceStub(channel), rounds, seed)
        finally:
            await asyncio.to_thread(server.stop)
    print(*broken[:20], sep="\n")
    told = ", ".join(f"{way} {count}" for way, count in sorted(reads.items()))
    print(f"{rounds} removals (seed {seed}) in {time.perf_counter() - since:.0f} s; seen before them: {told}")
    print(f"{len(broken)} leaks")
    return 1 if broken else 0


if __name__ == "__main__":
    with database_settings(asked_for()) as chosen:
        sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS, chosen)))

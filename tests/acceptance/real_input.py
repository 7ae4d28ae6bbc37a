"""Real texts in seven languages, sent in turn over REST, Socket.IO and gRPC, come back byte by byte over all three.

Run as `python -m tests.acceptance.real_input [texts of each language] [--postgres]`; the latter on the database of
CHAT_TEST_POSTGRES_URL. It ends with 1 when anything is lost, doubled, out of order or changed.
"""

import asyncio
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chat.message.v1.feed_service_pb2 import SubscribeRequest
from chat.message.v1.message_service_pb2 import ListMessagesRequest
from tests.acceptance import texts
from tests.acceptance.javascript import JavaScript, open_javascript
from tests.acceptance.postgres import asked_for, database_settings
from tests.e2e.clients import Clients, User, open_clients, send_grpc, send_rest
from tests.e2e.conftest import Server, start

EACH_LANGUAGE = 1_800
CONVERSATIONS, USERS = 50, 9
TRIES = 10
SURFACES = ("REST", "Socket.IO", "gRPC")

Text = tuple[str, str]
"""The id and the text of a message; its number is its place in the list."""
Found = Mapping[str, Sequence[tuple[int, Text]]]
"""By conversation, what a surface gave: numbers, ids and texts in its own order."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """`plan` is what is said in it, in order: who says it, over which surface, and the text."""

    id: str
    members: Sequence[User]
    plan: Sequence[tuple[User, str, str]]


@contextmanager
def timed(what: str, count: int) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    print(f"{what:24} {count:7,} in {seconds:6.1f} s: {count / seconds:8,.0f} messages/s", flush=True)


def spread(each_language: int) -> list[str]:
    """As many texts of each language, taken evenly from all its files, the languages in turn."""
    texts.install()
    chosen = []
    for language, found in texts.read().items():
        step = len(found) / each_language
        chosen.append([found[int(n * step)] for n in range(each_language)])
        longest, size = max(map(len, chosen[-1])), sum(len(text.encode()) for text in chosen[-1])
        print(f"{language:24} {each_language:7,} of {len(found):,} texts, {size:,} bytes, up to {longest:,} characters")
    return list(chain.from_iterable(zip(*chosen, strict=True)))


async def converse(clients: Clients, users: Sequence[User], said: Sequence[str]) -> list[Conversation]:
    """Groups of three to nine, each with its share of the texts; senders and surfaces take turns."""
    made = []
    for number in range(CONVERSATIONS):
        size = 3 + number % (USERS - 2)
        members = [users[(number + n) % USERS] for n in range(size)]
        group = await clients.group(members[0], *members[1:], name=f"conversation {number}")
        share = enumerate(said[number::CONVERSATIONS])
        made.append(Conversation(group, members, [(members[n % size], SURFACES[n % 3], text) for n, text in share]))
    return made


async def speak(clients: Clients, sockets: JavaScript, conversation: Conversation) -> list[Text]:
    """Sends the plan, each message after the one before is acknowledged; the ids that were acknowledged."""
    sent: list[Text] = []
    for number, (user, surface, text) in enumerate(conversation.plan):
        message = {"conversation_id": conversation.id, "client_msg_id": f"n{number}", "text": text}
        if surface == "Socket.IO":
            ack = await sockets.emit(user, "send-message", message)
            id_, replayed = ack["data"]["id"], ack["replayed"]
        else:
            send = send_rest if surface == "REST" else send_grpc
            id_, replayed = await send(clients, user, **message)
        if replayed:
            raise SystemExit(f"A new message was taken for a repeat: {conversation.id} {number}")
        sent.append((id_, text))
    return sent


async def read_rest(clients: Clients, conversation: Conversation) -> list[tuple[int, Text]]:
    headers, found = conversation.members[-1].headers, list[tuple[int, Text]]()
    query = {"conversation_id": conversation.id, "limit": "100", "after_seq": "0"}
    while True:
        page = (await clients.rest.get("/api/messages", params=query, headers=headers)).raise_for_status().json()
        found += [(item["seq"], (item["id"], item["text"])) for item in page["items"]]
        if not page["page"]["has_more"]:
            return found
        query = {"conversation_id": conversation.id, "limit": "100", "cursor": page["page"]["next_cursor"]}


async def read_grpc(clients: Clients, conversation: Conversation) -> list[tuple[int, Text]]:
    metadata, found = conversation.members[-1].metadata, list[tuple[int, Text]]()
    request = ListMessagesRequest(conversation_id=conversation.id, limit=100, after_seq=0)
    while True:
        page = await clients.messages.ListMessages(request, metadata=metadata)
        found += [(item.seq, (item.id, item.text)) for item in page.items]
        if not page.page.has_more:
            return found
        request = ListMessagesRequest(conversation_id=conversation.id, limit=100, cursor=page.page.next_cursor)


async def synced(sockets: JavaScript, user: User, place: Mapping[str, Any]) -> Any:
    """A page, asked for again while its problem is one that passes: a busy machine may not answer all at once."""
    for _ in range(TRIES):
        ack = await sockets.emit(user, "sync", place)
        if ack["ok"]:
            return ack["data"]
        if not ack["problem"]["retryable"]:
            break
    raise SystemExit(f"A page of changes was not answered: {ack['problem']}")


async def read_sync(sockets: JavaScript, conversation: Conversation) -> list[tuple[int, Text]]:
    found = list[tuple[int, Text]]()
    place: dict[str, Any] = {"positions": {conversation.id: 0}}
    while True:
        page = await synced(sockets, conversation.members[-1], place)
        messages = [event["data"]["message"] for event in page["events"] if event["type"] == "message-new"]
        found += [(message["seq"], (message["id"], message["text"])) for message in messages]
        if not page["has_more"]:
            return found
        place = {"user_pos": page["user_pos"], "positions": page["positions"]}


async def subscribed(clients: Clients, user: User, conversations: Sequence[Conversation]) -> Found:
    """All that a user is in, from its beginning, in one gRPC stream."""
    left = sum(len(conversation.plan) for conversation in conversations)
    found: dict[str, list[tuple[int, Text]]] = {conversation.id: [] for conversation in conversations}
    request = SubscribeRequest(positions=dict.fromkeys(found, 0))
    call = clients.feed.Subscribe(request, metadata=user.metadata)
    async for item in call:
        if item.change.type == "message-new":
            message = item.change.data.message
            found[message.conversation_id].append((message.seq, (message.id, message.text)))
            left -= 1
            if not left:
                break
    call.cancel()
    return found


class Verdict:
    """Compares what surfaces give with what was sent, and keeps what is wrong."""

    def __init__(self, sent: Mapping[str, Sequence[Text]]) -> None:
        self._sent = sent
        self.wrong: list[str] = []

    def same(self, surface: str, found: Found) -> None:
        """Numbers 1 to N in order, with the ids of the acknowledgements and the texts as sent."""
        for conversation_id, items in found.items():
            expected = list(enumerate(self._sent[conversation_id], start=1))
            if list(items) != expected:
                at = next((n for n, (a, b) in enumerate(zip(items, expected, strict=False)) if a != b), len(items))
                self.wrong.append(
                    f"{surface}: {conversation_id} has {len(items)} of {len(expected)}, differs at {at + 1}"
                )


async def each(
    read: Callable[[Any, Conversation], Awaitable[list[tuple[int, Text]]]], client: Any, all_: Sequence[Conversation]
) -> Found:
    found = await asyncio.gather(*[read(client, conversation) for conversation in all_])
    return {conversation.id: items for conversation, items in zip(all_, found, strict=True)}


async def run(server: Server, said: Sequence[str]) -> list[str]:
    """Sends and reads everything; what is wrong."""
    async with open_clients(server.http, server.grpc) as clients, open_javascript() as sockets:
        users = [await clients.register(f"user{n}") for n in range(USERS)]
        conversations = await converse(clients, users, said)
        for number, user in enumerate(users):  # Some upgrade as the client does by itself, some never do.
            await sockets.connect(server.http, user, [["polling", "websocket"], ["websocket"], ["polling"]][number % 3])
        with timed("sent", len(said)):
            acked = await asyncio.gather(*[speak(clients, sockets, conversation) for conversation in conversations])
        surfaces = Counter(surface for conversation in conversations for _, surface, _ in conversation.plan)
        print(f"  over {', '.join(f'{surface} {count:,}' for surface, count in surfaces.items())}")
        verdict = Verdict({conversation.id: sent for conversation, sent in zip(conversations, acked, strict=True)})
        with timed("read by REST", len(said)):
            verdict.same("REST", await each(read_rest, clients, conversations))
        with timed("read by gRPC", len(said)):
            verdict.same("gRPC", await each(read_grpc, clients, conversations))
        with timed("read by Socket.IO sync", len(said)):
            verdict.same("Socket.IO sync", await each(read_sync, sockets, conversations))
        own = {user: [c for c in conversations if user in c.members] for user in users}
        total = sum(len(conversation.plan) for member_of in own.values() for conversation in member_of)
        with timed("read by gRPC Subscribe", total):
            for user, member_of in own.items():
                verdict.same("gRPC Subscribe", await subscribed(clients, user, member_of))
        digests = {
            c.id: [(id_, _sha256(text)) for id_, text in sent] for c, sent in zip(conversations, acked, strict=True)
        }
        live = Verdict(digests)
        for user in users:
            received = await sockets.received(user)
            live.same("Socket.IO live", {c.id: [(seq, (i, sha)) for seq, i, sha in received[c.id]] for c in own[user]})
        print(f"{'live on sockets':24} {total:7,} to {USERS} users")
        return verdict.wrong + live.wrong


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main(each_language: int, *, postgres: bool) -> int:
    said = spread(each_language)
    with TemporaryDirectory() as folder, database_settings(postgres) as settings:
        server = start(Path(folder) / "data", **settings)
        try:
            wrong = asyncio.run(run(server, said))
        finally:
            server.stop()
    print(*wrong[:20], sep="\n")
    print(f"{len(said):,} messages, {CONVERSATIONS} conversations, {USERS} users: {len(wrong)} violations")
    return 1 if wrong else 0


if __name__ == "__main__":
    on_postgres = asked_for()
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else EACH_LANGUAGE, postgres=on_postgres))

"""What a search costs among a million messages, by how often the word is used and how much one may read."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import String, and_, cast, literal

from bench.clock import Stopwatch
from bench.fill import (
    Columns,
    Number,
    analyze,
    at,
    copies,
    databases,
    numbered,
    numbered_id,
    open_beside,
    size,
    times_ms,
)
from bench.table import Table
from chat.message.v1.search_service_pb2 import SearchMessagesRequest
from chat.message.v1.search_service_pb2_grpc import SearchServiceStub
from services.message.tables import changes, conversations, members, messages
from tests.integration.message.world import World, open_world

MESSAGES, CONVERSATIONS, FEW = 1_000_000, 100, 3
RARE, MEDIUM = 100_000, 1000
"""One message in so many has the word."""
CALLS = 100
NUMBERS = count(1)
WORDS: dict[str, Callable[[], str]] = {
    "rare": lambda: f"rare{next(NUMBERS) * 7919 % RARE}",
    "medium": lambda: f"medium{next(NUMBERS) * 7919 % MEDIUM}",
    "common": lambda: f"common{next(NUMBERS) % 2}",
}
"""Another one each time, but for the common ones, which are two."""
P99_MS = {"rare": 50, "medium": 100, "common": 200}


def _text(i: Number) -> Number:
    """Every second one has the common word."""
    parts = ["said by somebody at some time, rare", cast(i % RARE, String), " medium", cast(i % MEDIUM, String)]
    return literal(parts[0]) + parts[1] + parts[2] + parts[3] + literal(" common") + cast(i % 2, String)


def _room(i: Number) -> Any:
    return numbered_id(3, i % CONVERSATIONS)


def _seq(i: Number) -> Any:
    return (i - 1) // CONVERSATIONS + 1


def _fixed(value: Any) -> Callable[[Number], Any]:
    return lambda i: literal(value)


def _fill(url: str, group: str, message_id: str, reader: str, in_all: int) -> None:
    """A conversation of the same people again and again, in which a message is written again and again."""
    engine = open_beside(url)
    a_room = in_all // CONVERSATIONS
    with engine.begin() as connection:
        heads: Columns = {
            "id": lambda i: numbered_id(3, i - 1),
            "last_seq": _fixed(a_room),
            "last_pos": _fixed(a_room),
            "indexed_pos": _fixed(0),
        }
        copies(connection, conversations, conversations.c.id == group, CONVERSATIONS, heads)
        mine = and_(members.c.conversation_id == group, members.c.user_id == reader)
        copies(connection, members, mine, CONVERSATIONS, {"conversation_id": lambda i: numbered_id(3, i - 1)})
        said: Columns = {
            "id": partial(numbered_id, 4),
            "client_msg_id": partial(numbered_id, 4),
            "conversation_id": _room,
            "seq": _seq,
            "text": _text,
            "created_at": lambda i: messages.c.created_at + i * 1000,
        }
        copies(connection, messages, messages.c.id == message_id, in_all, said)
        told: Columns = {"conversation_id": _room, "pos": _seq, "seq": _seq, "message_id": partial(numbered_id, 4)}
        told["published"] = _fixed(1)
        copies(connection, changes, changes.c.message_id == message_id, in_all, told)
    with engine.begin() as connection:
        few = and_(members.c.user_id == reader, members.c.conversation_id == numbered(3, 0))
        for number in range(FEW):
            other: Columns = {"user_id": lambda i: numbered_id(5, i), "conversation_id": _fixed(numbered(3, number))}
            copies(connection, members, few, 1, other)
        analyze(connection)
    engine.dispose()


async def _measure(kind: str, url: str, folder: Path) -> list[Sequence[str]]:
    in_all = size(MESSAGES // CONVERSATIONS) * CONVERSATIONS
    async with open_world(folder, url) as world:
        reader = world.users.add("reader")
        group = (await world.create(reader)).id
        message = await world.send(reader, group, "the first")
        users = world.users
    await asyncio.to_thread(_fill, url, group, message.id, reader, in_all)
    users.by_id[numbered(5, 1)] = users.by_id[reader]
    users.workspaces[numbered(5, 1)] = users.workspaces[reader]
    rows: list[Sequence[str]] = []
    async with open_world(folder, url, users=users) as world:
        watch = Stopwatch()
        while (await _find(world, reader, "common0")).indexing:
            await asyncio.sleep(0.5)
        rows.append((f"{kind}, messages a second into the index", f"{in_all / watch.wall_s():.0f}", "", ""))
        for name, who in ((f"{CONVERSATIONS} conversations", reader), (f"{FEW} conversations", numbered(5, 1))):
            for often, word in WORDS.items():
                (took,) = await times_ms(CALLS, partial(_ask, world, who, word))
                row = f"{kind}, a {often} word in {name}"
                rows.append((row, f"{at(took, 0.5):.1f}", f"{at(took, 0.99):.1f}", f"{P99_MS[often]}"))
    return rows


async def _ask(world: World, user_id: str, word: Callable[[], str]) -> None:
    await _find(world, user_id, word())


async def _find(world: World, user_id: str, word: str) -> Any:
    search: Any = SearchServiceStub(world.mesh.channel("message"))
    return await world.ask(search.SearchMessages, SearchMessagesRequest(q=word), user_id)


async def table() -> Table:
    found = Table(
        f"Search among {size(MESSAGES // CONVERSATIONS) * CONVERSATIONS:,} messages",
        ("", "p50 ms", "p99 ms", "aim p99"),
        f"Pages of 20, by a call to the service in this process. One in {RARE:,} messages has a rare word, one in "
        f"{MEDIUM:,} a medium one, every second one a common one.",
    )
    with databases() as kinds:
        for kind, (url, folder) in kinds.items():
            found.rows.extend(await _measure(kind, url, folder))
    return found

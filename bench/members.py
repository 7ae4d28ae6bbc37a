"""What large channels and long lists cost: writing into them, filling them, and reading them by pages."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import and_

from bench import TEXT
from bench.clock import Stopwatch
from bench.fill import analyze, at, copies, databases, numbered_id, open_beside, size, times_ms
from bench.table import Table
from chat.message.v1.conversation_service_pb2 import (
    AddMembersRequest,
    ListConversationsRequest,
    ListMembersRequest,
)
from services.message.tables import conversations, members
from tests.integration.message.world import World, open_world

FEW, MANY, CONVERSATIONS = 10, 10_000, 10_000
AT_ONCE, SENDS, ROUNDS, PAGE, CALLS = 1000, 100, 9, 50, 100


async def _grow(world: World, owner: str, group: str, user_ids: list[str]) -> float:
    """Seconds until they are members."""
    watch = Stopwatch()
    for start in range(0, len(user_ids), AT_ONCE):
        request = AddMembersRequest(conversation_id=group, user_ids=user_ids[start : start + AT_ONCE])
        await world.ask(world.conversations.AddMembers, request, owner)
    return watch.wall_s()


async def _send_us(world: World, owner: str, group: str) -> float:
    """Microseconds of CPU that a send takes."""
    watch = Stopwatch()
    for _ in range(SENDS):
        await world.send(owner, group, TEXT)
    return watch.cpu_s() / SENDS * 1e6


async def _middle(method: Any, request: Any, world: World, user_id: str, pages: int) -> str:
    """The cursor that leads beyond so many pages."""
    for _ in range(pages):
        request.cursor = (await world.ask(method, request, user_id)).page.next_cursor
    return str(request.cursor)


async def _pages(world: World, method: Any, request: Any, user_id: str, count: int) -> list[Sequence[float]]:
    """How long pages at the start, in the middle and at the end of a list take."""
    walked = type(request)()
    walked.CopyFrom(request)
    walked.limit = 100
    places = ["", await _middle(method, walked, world, user_id, count // 200)]
    places.append(await _middle(method, walked, world, user_id, count // 100 - count // 200 - 1))

    async def read(cursor: str) -> None:
        asked = type(request)()
        asked.CopyFrom(request)
        asked.cursor = cursor
        assert len((await world.ask(method, asked, user_id)).items) == PAGE

    return list(await times_ms(CALLS, *[partial(read, cursor) for cursor in places]))


async def _measure(kind: str, url: str, folder: Path) -> list[Sequence[str]]:
    many, lists = size(MANY), size(CONVERSATIONS)
    async with open_world(folder, url) as world:
        owner = world.users.add("owner")
        people = [world.users.add(f"user{number}") for number in range(many - 1)]
        small, large = (await world.create(owner)).id, (await world.create(owner)).id
        await _grow(world, owner, small, people[: FEW - 1])
        grown_s = await _grow(world, owner, large, people)
        costs = [(await _send_us(world, owner, small), await _send_us(world, owner, large)) for _ in range(ROUNDS)]
        few_us, many_us = median(cost[0] for cost in costs[1:]), median(cost[1] for cost in costs[1:])
        engine, reader = open_beside(url), people[0]
        with engine.begin() as connection:
            id_ = partial(numbered_id, 2)
            copies(connection, conversations, conversations.c.id == small, lists, {"id": id_})
            mine = and_(members.c.conversation_id == small, members.c.user_id == reader)
            copies(connection, members, mine, lists, {"conversation_id": id_})
            analyze(connection)
        engine.dispose()
        in_members = await _pages(
            world,
            world.conversations.ListMembers,
            ListMembersRequest(conversation_id=large, limit=PAGE),
            owner,
            many,
        )
        in_lists = await _pages(
            world, world.conversations.ListConversations, ListConversationsRequest(limit=PAGE), reader, lists
        )
    rows: list[Sequence[str]] = [
        (f"{kind}, a send to {FEW} members, µs CPU", f"{few_us:.0f}", ""),
        (f"{kind}, a send to {many:,} members, µs CPU", f"{many_us:.0f}", f"{few_us * 1.3:.0f}"),
        (f"{kind}, {many:,} members are added, s", f"{grown_s:.2f}", "5"),
    ]
    for name, found in (("members", in_members), ("conversations", in_lists)):
        for place, took in zip(("start", "middle", "end"), found, strict=True):
            aim = "" if place == "start" else f"{at(found[0], 0.5) * 1.3:.2f}"
            rows.append((f"{kind}, {PAGE} {name} at the {place}, p50 ms", f"{at(took, 0.5):.2f}", aim))
    return rows


async def table() -> Table:
    found = Table(
        "Large channels and long lists",
        ("", "found", "aim"),
        "Calls to the service in this process. Nobody follows the channels: deliveries are measured by rooms.",
    )
    with databases() as kinds:
        for kind, (url, folder) in kinds.items():
            found.rows.extend(await _measure(kind, url, folder))
    return found

"""What a page of history costs in a conversation of a million messages, by where it stands."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import update

from bench import TEXT
from bench.clock import Stopwatch
from bench.fill import Columns, analyze, at, copies, databases, numbered_id, open_beside, size, times_ms
from bench.table import Table
from chat.message.v1.message_service_pb2 import ListMessagesRequest
from services.message.tables import conversations, messages
from tests.integration.message.world import World, open_world

MESSAGES, PAGE, CALLS = 1_000_000, 50, 200


async def _measure(kind: str, url: str, folder: Path) -> list[Sequence[str]]:
    count = size(MESSAGES)
    async with open_world(folder, url) as world:
        anna = world.users.add("anna")
        group = (await world.create(anna)).id
        message = await world.send(anna, group, TEXT)
        watch, engine = Stopwatch(), open_beside(url)
        with engine.begin() as connection:
            columns: Columns = {
                "id": partial(numbered_id, 1),
                "client_msg_id": partial(numbered_id, 1),
                "seq": lambda i: i + 1,
            }
            copies(connection, messages, messages.c.id == message.id, count - 1, columns)
            connection.execute(update(conversations).where(conversations.c.id == group).values(last_seq=count))
        with engine.begin() as connection:
            analyze(connection)
        engine.dispose()
        filled_s = watch.wall_s()
        end, middle, start = await times_ms(
            CALLS,
            lambda: _page(world, anna, ListMessagesRequest(conversation_id=group, limit=PAGE)),
            lambda: _page(world, anna, ListMessagesRequest(conversation_id=group, limit=PAGE, before_seq=count // 2)),
            lambda: _page(world, anna, ListMessagesRequest(conversation_id=group, limit=PAGE, after_seq=0)),
        )
    base = at(end, 0.5)
    rows: list[Sequence[str]] = [
        (f"{kind}, {name}", f"{at(took, 0.5):.2f}", f"{at(took, 0.99):.2f}", f"{at(took, 0.5) / base:.2f}")
        for name, took in (("the end", end), ("the middle", middle), ("the start", start))
    ]
    return [*rows, (f"{kind}, filling it took {filled_s:.0f} s", "", "", "")]


async def _page(world: World, user_id: str, request: ListMessagesRequest) -> None:
    page = await world.ask(world.messages.ListMessages, request, user_id)
    assert len(page.items) == PAGE


async def table() -> Table:
    found = Table(
        f"A page of {PAGE} messages out of {size(MESSAGES):,}",
        ("", "p50 ms", "p99 ms", "x the end"),
        "A call to the service in this process, from its client's side. Aim: nowhere 1.3 times as long as at the end.",
    )
    with databases() as kinds:
        for kind, (url, folder) in kinds.items():
            found.rows.extend(await _measure(kind, url, folder))
    return found

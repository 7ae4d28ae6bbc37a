"""Two journals over one database write the same conversations at once, as two instances of the service do."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Select, select
from structlog.testing import capture_logs

from mesh.audit.log import Trail
from mesh.database import Database, open_database
from mesh.identity.principal import Principal
from mesh.telemetry.metrics import Metrics, new_registry
from services.message.command import Command
from services.message.conversations.domain import Kind
from services.message.feed.domain import Place
from services.message.feed.store_sql import SqlFeedStore
from services.message.journal_sql import SqlJournal
from services.message.service import MIGRATIONS
from services.message.tables import changes, messages, user_changes
from services.message.writer import Writer
from tests.contract.databases import POSTGRES, empty_url
from tests.contract.message.desk import A, B, C, Clock, Desk, as_

pytestmark = pytest.mark.skipif(not POSTGRES, reason="an SQLite file serves one process")

GROUPS = [f"g{number}" for number in range(4)]
ROUNDS = 40
_NUMBERED: Sequence[tuple[Column[Any], Column[Any]]] = (
    (messages.c.conversation_id, messages.c.seq),
    (changes.c.conversation_id, changes.c.pos),
    (user_changes.c.user_id, user_changes.c.pos),
)


def _all(query: Select[Any], connection: Connection) -> Sequence[Any]:
    return connection.execute(query).all()


class Pair:
    """Two writers, and the database of one of them to look into."""

    def __init__(self, database: Database, writers: list[Writer], desk: Desk) -> None:
        self.database, self.writers, self.desk = database, writers, desk

    async def at_once(self, *commands: Command) -> list[Any]:
        """The commands, by turns to the one and the other; what came of each. They may be refused by a rule."""
        futures = [self.writers[number % 2].submit(command) for number, command in enumerate(commands)]
        return await asyncio.gather(*futures, return_exceptions=True)


@pytest.fixture
async def pair(tmp_path: Path, trail: Trail) -> AsyncIterator[Pair]:
    async with empty_url("postgresql", tmp_path) as url, AsyncExitStack() as stack:
        clock, databases, writers = Clock(), list[Database](), list[Writer]()
        for _ in range(2):
            databases.append(await stack.enter_async_context(open_database(url, MIGRATIONS)))
            journal = SqlJournal(databases[-1], clock, trail)
            writer = Writer(journal, lambda command, outcome: None, Metrics(new_registry()))
            writers.append(await stack.enter_async_context(writer))
        stack.enter_context(capture_logs())  # Of batches that are tried again; to show them takes longer than the test.
        yield Pair(databases[0], writers, Desk(SqlJournal(databases[0], clock, trail)))


async def test_numbers_have_no_gaps_and_no_repeats(pair: Pair) -> None:
    """Of messages, of changes, and of users' own logs, whatever is written by whom."""
    desk, random = pair.desk, Random(7)
    for id_ in GROUPS:
        await desk.group(A, B, id_=id_)
    for number in range(ROUNDS):
        commands: list[Command] = [desk.send(random.choice((A, B)), to=id_) for id_ in GROUPS for _ in range(4)]
        commands += [desk.rename(A, f"name {number}", id_=random.choice(GROUPS)) for _ in range(2)]
        commands += [desk.read(B, number + 1, in_=id_) for id_ in GROUPS]
        random.shuffle(commands)
        results = await pair.at_once(*commands)
        assert [result for result in results if isinstance(result, Exception)] == []

    for ordered in (select(*columns).order_by(*columns) for columns in _NUMBERED):
        rows = await pair.database.read(partial(_all, ordered))
        assert rows
        for id_ in {id_ for id_, _ in rows}:
            numbers = [number for other, number in rows if other == id_]
            assert numbers == list(range(1, len(numbers) + 1))


async def test_a_message_is_written_once(pair: Pair) -> None:
    """Though it is sent to both, again and again, by who has not heard of it."""
    await pair.desk.group(A, B)
    for number in range(ROUNDS):
        same = [pair.desk.send(A, "the same", key=f"key {number}") for _ in range(4)]
        sent = await pair.at_once(*same)
        assert {one.message.seq for one in sent} == {number + 1}
        assert sorted(one.replayed for one in sent) == [False, True, True, True]


async def test_two_people_have_one_conversation(pair: Pair) -> None:
    """Whoever begins it, at whichever instance."""
    for number in range(ROUNDS // 4):
        one, other = f"one {number}", f"other {number}"
        commands = [pair.desk.create(one, other, kind=Kind.DM), pair.desk.create(other, one, kind=Kind.DM)]
        made = await pair.at_once(*commands)
        assert len({one.conversation_id for one in made}) == 1, made


async def test_members_come_and_go_at_both(pair: Pair) -> None:
    """What one instance has done the other one knows; own logs tell of each change once."""
    desk = pair.desk
    await desk.group(A, B)
    for _ in range(ROUNDS // 2):
        await pair.at_once(desk.add(A, C), desk.add(A, C), desk.remove(A, C), desk.send(C), desk.send(B))
    heads: Place = await SqlFeedStore(pair.database).heads(Principal(C, "s", "user", 0, desk.workspace_id))
    own = await SqlFeedStore(pair.database).user_changes(as_(C), 0, heads.user_pos)
    kinds = [change.type for change in own if change.type.startswith("conversation-")]
    assert kinds == ["conversation-added", "conversation-removed"] * (len(kinds) // 2) + kinds[len(kinds) // 2 * 2 :]
    assert ("g" in heads.positions) == (kinds[-1] == "conversation-added")

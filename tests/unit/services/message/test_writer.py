"""Group commit: order, batches, and what one bad entry does to the others."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from mesh.errors import Deadline, NotFound, Unavailable
from mesh.telemetry.metrics import Metrics, new_registry
from services.message import writer as module
from services.message.command import Command, Origin
from services.message.journal import Outcome
from services.message.writer import MAX_BATCH, MAX_WAITING, Writer


@dataclass(frozen=True, slots=True)
class Note(Command):
    text: str
    weight: int = 0

    @property
    def size(self) -> int:
        return self.weight


class Poison(Exception):
    """What a database raises when it does not like an entry."""


class MemoryJournal:
    """Keeps committed batches. Held while `gate` is not set; fails for texts in `poison` and as often as `outages`."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.attempts = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.poison: set[str] = set()
        self.outages: list[Exception] = []

    async def commit(self, commands: Sequence[Command]) -> list[Outcome]:
        self.attempts += 1
        self.entered.set()
        await self.gate.wait()
        texts = [command.text for command in commands if isinstance(command, Note)]
        if self.outages:
            raise self.outages.pop()
        if self.poison & set(texts):
            raise Poison
        self.batches.append(texts)
        return [Outcome(error=NotFound("X", text)) if text.startswith("bad") else Outcome(text) for text in texts]


class World:
    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.published: list[str] = []
        self.writer = Writer(self.journal, self.publish, Metrics(new_registry()))

    def publish(self, command: Command, outcome: Outcome) -> None:
        assert isinstance(command, Note)
        self.published.append(command.text)
        if command.text == "unpublishable":
            raise ValueError

    def submit(self, *texts: str, deadline: float | None = None) -> list[asyncio.Future[str]]:
        return [self.writer.submit(Note(Origin(deadline=deadline), text)) for text in texts]

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Inside, a first batch is being written and everything else waits."""
        self.journal.gate.clear()
        self.journal.entered.clear()
        first = self.submit("first")
        await self.journal.entered.wait()
        yield
        self.journal.gate.set()
        await asyncio.gather(*first)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with asyncio.timeout(5), world.writer:
        yield world


async def test_what_waits_goes_into_one_transaction_in_order(world: World) -> None:
    """A lone command is written at once; what arrives meanwhile forms the next batch."""
    async with world.busy():
        futures = world.submit("a", "b", "c")
    assert await asyncio.gather(*futures) == ["a", "b", "c"]
    assert world.journal.batches == [["first"], ["a", "b", "c"]]


async def test_outcomes_are_published_before_they_are_answered(world: World) -> None:
    """Whoever is answered finds that readers were told."""
    async with world.busy():
        futures = world.submit("a", "b")
        futures[0].add_done_callback(lambda _: world.published.append("answered"))
    await asyncio.gather(*futures)
    assert world.published == ["first", "a", "b", "answered"]


async def test_a_refused_command_fails_alone(world: World) -> None:
    """The others of its batch are written."""
    async with world.busy():
        good, bad, other = world.submit("a", "bad", "c")
    assert (await good, await other) == ("a", "c")
    with pytest.raises(NotFound):
        await bad


async def test_a_poison_entry_fails_alone_and_the_order_stays(world: World) -> None:
    """The batch is tried once more, then cut in halves until only the poison is left."""
    texts = [str(i) for i in range(9)]
    world.journal.poison = {"5"}
    async with world.busy():
        futures = world.submit(*texts)
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(result) for result in results] == [Poison if text == "5" else str for text in texts]
    assert [text for batch in world.journal.batches[1:] for text in batch] == [t for t in texts if t != "5"]
    assert world.published[1:] == [t for t in texts if t != "5"]


async def test_a_passing_fault_costs_one_retry(world: World) -> None:
    """Nobody hears of it."""
    world.journal.outages = [Poison()]
    async with world.busy():
        futures = world.submit("a", "b")
    assert await asyncio.gather(*futures) == ["a", "b"]
    assert world.journal.batches == [["first"], ["a", "b"]]


async def test_a_store_that_cannot_be_used_fails_the_batch_at_once(world: World) -> None:
    """Trying again would only make it worse."""
    world.journal.outages = [Unavailable("OVERLOADED", "Full.")]
    results = await asyncio.gather(*world.submit("a", "b"), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    assert world.journal.attempts == 1


async def test_a_cancelled_caller_does_not_cancel_the_write(world: World) -> None:
    """It was taken, so it is written; the others are answered."""
    async with world.busy():
        gone, stays = world.submit("gone", "stays")
        gone.cancel()
    assert await stays == "stays"
    assert world.journal.batches[1] == ["gone", "stays"]


async def test_a_late_command_is_not_written(world: World) -> None:
    """Its deadline passed while it waited."""
    async with world.busy():
        (late,) = world.submit("late", deadline=time.monotonic())
        (early,) = world.submit("early", deadline=time.monotonic() + 60)
    assert await early == "early"
    with pytest.raises(Deadline):
        await late
    assert world.journal.batches == [["first"], ["early"]]


async def test_a_batch_of_nothing_but_late_commands_is_not_tried(world: World) -> None:
    """There is nothing to commit."""
    async with world.busy():
        (late,) = world.submit("late", deadline=time.monotonic())
    with pytest.raises(Deadline):
        await late
    assert world.journal.attempts == 1


async def test_too_much_waiting_is_refused_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is bounded; what is in it is written."""
    assert MAX_WAITING == 10_000
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    async with world.busy():
        futures = world.submit("a", "b", "c")
        with pytest.raises(Unavailable) as caught:
            world.submit("d")
        assert (caught.value.reason, caught.value.retry_after_s) == ("OVERLOADED", 1)
    assert await asyncio.gather(*futures) == ["a", "b", "c"]


async def test_batches_are_bounded_by_number(world: World) -> None:
    """What is left forms the next."""
    async with world.busy():
        futures = world.submit(*map(str, range(MAX_BATCH + 1)))
    await asyncio.gather(*futures)
    assert [len(batch) for batch in world.journal.batches] == [1, MAX_BATCH, 1]


async def test_batches_are_bounded_by_size(world: World) -> None:
    """A batch ends with the entry that reaches the bound."""
    async with world.busy():
        futures = [world.writer.submit(Note(Origin(), str(i), 600_000)) for i in range(4)]
    await asyncio.gather(*futures)
    assert world.journal.batches[1:] == [["0", "1"], ["2", "3"]]


async def test_a_fault_of_a_reader_does_not_stop_the_writer(world: World) -> None:
    """It is on disk, so it is answered; the next one is written."""
    assert await world.submit("unpublishable")[0] == "unpublishable"
    assert await world.submit("next")[0] == "next"


async def test_closing_writes_what_waits_and_takes_no_more() -> None:
    """Nobody who was taken is left without an answer."""
    world = World()
    async with world.writer:
        futures = world.submit("a", "b")
    assert [future.result() for future in futures] == ["a", "b"]
    with pytest.raises(Unavailable) as caught:
        world.submit("c")
    assert caught.value.reason == "DRAINING"

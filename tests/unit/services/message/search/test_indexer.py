"""What keeps the index up to date."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from mesh.errors import Unavailable
from mesh.events.backoff import Backoff
from services.message.command import Origin
from services.message.feed.domain import MESSAGE_NEW, Change
from services.message.journal import Outcome
from services.message.search.index import Key
from services.message.search.indexer import Indexer

AT = datetime(2026, 5, 1, tzinfo=UTC)


class Logs:
    """Logs of so many changes; a step takes two of each. It raises what is in `faults`, one each time."""

    def __init__(self, **logs: int) -> None:
        self.left = {("w", name): length for name, length in logs.items()}
        self.steps: list[list[str]] = []
        self.faults: list[Exception] = []
        self.looks = 0

    async def dirty(self, after: str, limit: int) -> Sequence[Key]:
        self.looks += 1
        return [key for key, length in sorted(self.left.items()) if length and key[1] > after][:limit]

    async def advance(self, keys: Sequence[Key]) -> Sequence[Key]:
        if self.faults:
            raise self.faults.pop(0)
        self.steps.append([key[1] for key in keys])
        for key in keys:
            self.left[key] = max(self.left[key] - 2, 0)
        await asyncio.sleep(0)
        return [key for key in keys if self.left[key]]

    async def read(self) -> None:
        async with asyncio.timeout(5):
            while any(self.left.values()):
                await asyncio.sleep(0)


def outcome(name: str, pos: int = 1) -> Outcome:
    return Outcome(None, (Change(MESSAGE_NEW, name, Origin(workspace_id="w"), AT, pos=pos),))


async def test_an_indexer_begins_with_what_was_left() -> None:
    """Then it follows what is committed; what is in no log of a conversation is nothing to it."""
    logs = Logs(a=3, b=1)
    indexer = Indexer(logs, gather_s=0)
    async with indexer.running():
        await logs.read()
        assert logs.steps == [["a", "b"], ["a"]]
        logs.left["w", "b"] = 1
        indexer.note(outcome("a", pos=0))
        indexer.note(outcome("b"))
        await logs.read()
    assert logs.steps[2:] == [["b"]]


async def test_what_is_committed_during_a_step_is_not_lost() -> None:
    """The step may have been too early for it."""
    logs = Logs(a=1)
    indexer = Indexer(logs, gather_s=0)
    async with indexer.running(), asyncio.timeout(5):
        while not logs.steps:
            await asyncio.sleep(0)
        logs.left["w", "a"] = 1
        indexer.note(outcome("a"))
        await logs.read()


async def test_an_indexer_goes_on_after_a_fault() -> None:
    """With what it was at."""
    logs = Logs(a=1)
    logs.faults = [Unavailable("UNAVAILABLE", "Away."), RuntimeError("broken")]
    async with Indexer(logs, gather_s=0, backoff=Backoff(0.001, 0.001)).running():
        await logs.read()
    assert logs.steps == [["a"]]


async def test_an_indexer_looks_again_now_and_then() -> None:
    """For what another process left."""
    logs = Logs()
    async with Indexer(logs, gather_s=0, sweep_s=0.001).running(), asyncio.timeout(5):
        while logs.looks < 3:
            await asyncio.sleep(0.001)
        logs.left["w", "a"] = 1
        await logs.read()

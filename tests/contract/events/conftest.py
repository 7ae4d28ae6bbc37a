"""The buses that the contract is held against. Another adapter joins by one more entry in BUSES."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesh.events.backoff import Backoff
from mesh.events.bus import Bus, Event
from mesh.events.bus_local import LocalBus
from mesh.events.dead_letters import DeadLetterFile
from mesh.events.delivery import Retry


@dataclass(frozen=True, slots=True)
class Rig:
    """A bus that tries each event `attempts` times without a pause, and what it gave up."""

    bus: Bus
    attempts: int
    dead_letters: Callable[[], Awaitable[list[Event]]]


@asynccontextmanager
async def open_local(path: Path) -> AsyncIterator[Rig]:
    letters = DeadLetterFile(path / "dead-letters.jsonl")
    retry = Retry(attempts=3, backoff=Backoff(cap_s=0))
    yield Rig(LocalBus(letters.append, retry), retry.attempts, letters.read)


BUSES: dict[str, Callable[[Path], AbstractAsyncContextManager[Rig]]] = {"local": open_local}


@pytest.fixture(params=BUSES)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async with BUSES[request.param](tmp_path) as rig:
        yield rig

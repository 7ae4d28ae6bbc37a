"""Following the log of revocations, against a user service that streams, answers, fails or keeps silent as told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chat.user.v1 import revocation_service_pb2 as pb
from chat.user.v1.revocation_service_pb2_grpc import RevocationServiceServicer, add_RevocationServiceServicer_to_server
from mesh.call.inprocess import InProcessServer
from mesh.events.backoff import Backoff
from mesh.identity.keys import Keys
from mesh.identity.revocations import Revocations
from mesh.identity.verifier import Verifier
from mesh.identity.watch import Watch, refresh, watching

NOW = 1_800_000_000.0


class UserService(RevocationServiceServicer):
    """A log of ends, told from where one asks."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.answers = self.streams = True
        self.silent = False
        self.changed = asyncio.Event()
        self.asked: list[int] = []
        self.watched: list[int] = []

    def end(self, session_id: str) -> None:
        self.log.append(session_id)
        self.notify()

    def notify(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def GetRevocations(self, request: pb.GetRevocationsRequest, context: object) -> pb.GetRevocationsResponse:
        self.asked.append(request.after)
        if not self.answers:
            raise ConnectionError
        items, position = self._after(request.after)
        return pb.GetRevocationsResponse(items=items, position=position)

    async def WatchRevocations(
        self, request: pb.WatchRevocationsRequest, context: object
    ) -> AsyncIterator[pb.WatchRevocationsResponse]:
        position = request.after
        self.watched.append(position)
        while self.streams:
            if not self.silent:
                items, position = self._after(position)
                yield pb.WatchRevocationsResponse(items=items, position=position)
            await self.changed.wait()

    def _after(self, position: int) -> tuple[list[pb.Revocation], int]:
        """Two at a time."""
        items = [pb.Revocation(session_id=name) for name in self.log[position : position + 2]]
        for item in items:
            item.expires_at.FromSeconds(int(NOW) + 660)
        return items, position + len(items)


class World:
    def __init__(self) -> None:
        self.user = UserService()
        server: Any = InProcessServer()
        add_RevocationServiceServicer_to_server(self.user, server)
        self.channel = server.channel()
        self.revocations = Revocations(lambda: NOW)
        self.silence_s = 60.0

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Watch]:
        watch = Watch(
            self.revocations, lambda: self.channel, silence_s=self.silence_s, backoff=Backoff(base_s=0.001, cap_s=0.01)
        )
        task = asyncio.create_task(watch.run())
        try:
            yield watch
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def known(self, session_id: str) -> None:
        heard = asyncio.Event()
        self.revocations.on_revoked(session_id, heard.set)
        await asyncio.wait_for(heard.wait(), 5)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


async def test_the_set_in_force_is_known_before_anything_else() -> None:
    """All of it, however many answers it takes."""
    world = World()
    world.user.log = [f"s-{n}" for n in range(5)]
    async with world.watching() as watch:
        await asyncio.wait_for(watch.caught_up.wait(), 5)
        assert all(f"s-{n}" in world.revocations for n in range(5))
        await until(lambda: world.user.watched == [5])


async def test_an_end_is_heard_of_when_it_happens() -> None:
    """By the stream: nothing is asked for in between."""
    world = World()
    async with world.watching():
        await until(lambda: bool(world.user.watched))
        world.user.end("s-1")
        await world.known("s-1")
        assert world.user.asked == [0]


async def test_a_stream_that_breaks_is_opened_again_where_it_was() -> None:
    """What happened in between is asked for first."""
    world = World()
    async with world.watching():
        world.user.end("s-1")
        await world.known("s-1")
        world.user.streams = False
        world.user.log.append("s-2")
        world.user.notify()
        await world.known("s-2")
        world.user.streams = True
        world.user.end("s-3")
        await world.known("s-3")
        await until(lambda: world.user.watched[-1] >= 2)


async def test_while_there_is_no_stream_ends_are_asked_for() -> None:
    """Over and over."""
    world = World()
    world.user.streams = False
    async with world.watching():
        for n in range(3):
            world.user.end(f"s-{n}")
            await world.known(f"s-{n}")


async def test_a_stream_that_keeps_silent_is_given_up() -> None:
    """As that of a process which hangs, though its connection stands."""
    world = World()
    world.silence_s, world.user.silent = 0.01, True
    async with world.watching():
        world.user.log.append("s-1")
        await world.known("s-1")


async def test_following_survives_a_user_service_that_is_away() -> None:
    """What is known stays in force, and the rest comes when it is back."""
    world = World()
    async with world.watching():
        world.user.end("s-1")
        await world.known("s-1")
        world.user.answers = world.user.streams = False
        world.user.notify()
        asked = len(world.user.asked)
        await until(lambda: len(world.user.asked) > asked + 3)
        assert "s-1" in world.revocations
        world.user.answers = True
        world.user.end("s-2")
        await world.known("s-2")


async def test_a_process_starts_without_a_user_service_after_a_while() -> None:
    """It must not wait for ever for who is away."""
    world = World()
    world.user.answers = False
    async with watching(verifier(), lambda: world.channel, start_s=0.01):
        pass


async def test_a_process_starts_when_the_set_is_known() -> None:
    """Not before: a session that ended must not be let in by who has just begun."""
    world = World()
    world.user.log = ["s-1"]
    at_start = verifier()
    async with watching(at_start, lambda: world.channel):
        assert "s-1" in at_start.revocations


async def test_keys_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a process that never meets an unknown one."""
    monkeypatch.setattr("mesh.identity.watch.KEYS_S", 0.001)
    monkeypatch.setattr("mesh.identity.watch.REFRESH_EVERY_S", 0.001)
    asked = 0

    async def fetch() -> list[Mapping[str, str]]:
        nonlocal asked
        asked += 1
        return []

    task = asyncio.create_task(refresh(Keys(fetch, lambda: NOW)))
    await until(lambda: asked > 2)
    task.cancel()


def verifier() -> Verifier:
    async def fetch() -> list[Mapping[str, str]]:
        return []

    return Verifier(fetch, clock=lambda: NOW)

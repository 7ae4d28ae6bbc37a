"""Who is writing, and when that is over."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from chat.message.v1.message_pb2 import Profile
from services.message.command import Command, Origin
from services.message.feed import typing
from services.message.feed.domain import CONVERSATION_REMOVED, MESSAGE_NEW, MESSAGE_UPDATED, Change
from services.message.feed.hub import Delivery, Hub
from services.message.feed.typing import TYPING_S, Typing
from services.message.journal import Outcome
from services.message.messages.domain import Message

AT = datetime(2026, 5, 1, tzinfo=UTC)
ANNA, BELA = Origin("anna", "w"), Origin("bela", "w")


class Stream:
    """Carries one user's session, and keeps what it is told of typing: what, by whom, and where."""

    hears_peers = False

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.changed = asyncio.Event()

    def deliver(self, delivery: Delivery) -> None:
        change = delivery.change
        if change.data.HasField("typing"):
            said = change.data.typing
            self.told.append((change.type, said.user_id, f"{change.conversation_id}{said.thread_root}"))
            self.changed.set()

    def take(self) -> list[tuple[str, str, str]]:
        told, self.told = self.told, []
        return told


class World:
    """Two people in two conversations; `stream` is that of the one who reads."""

    def __init__(self) -> None:
        self.now = AT
        self.hub = Hub(lambda workspace_id, user_id: Profile(id=user_id))
        self.typing = Typing(self.hub, lambda: self.now, max_typing=3)
        self.stream, self.writer = Stream(), Stream()
        self.hub.join(self.stream, "reader", {"c": 1, "d": 1})
        self.hub.join(self.writer, "anna", {"c": 1, "d": 1})

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.typing.expire()

    def commit(self, *changes: Change) -> None:
        self.hub.publish(Command(ANNA), Outcome(changes=changes))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.pass_(100)


def sent(conversation_id: str = "c", thread_root: str = "", kind: str = MESSAGE_NEW) -> Change:
    message = Message("m", "w", conversation_id, 1, "anna", "k", "x", "", {}, 1, AT, thread_root=thread_root)
    return Change(kind, conversation_id, ANNA, AT, pos=1, message=message)


async def test_typing_ends_by_itself_after_a_while_without_a_word(world: World) -> None:
    """A repeat makes it last; each ends by itself. Who writes is not told of it."""
    world.typing.start("c", "", ANNA)
    world.pass_(4)
    world.typing.start("d", "", ANNA)
    world.typing.start("c", "", ANNA)
    world.stream.take()
    world.pass_(TYPING_S - 0.1)
    assert world.stream.take() == []
    world.pass_(0.1)
    assert sorted(world.stream.take()) == [("stop-typing", "anna", "c"), ("stop-typing", "anna", "d")]
    world.pass_(100)
    assert world.stream.take() == world.writer.take() == []


async def test_one_timer_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anybody looking."""
    monkeypatch.setattr(typing, "TYPING_S", 0.01)
    world = World()
    world.typing = Typing(world.hub, lambda: datetime.now(UTC))
    world.typing.start("c", "", ANNA)
    world.typing.start("d", "", ANNA)
    async with asyncio.timeout(20):
        while len(world.stream.told) < 4:
            world.stream.changed.clear()
            await world.stream.changed.wait()
    assert [kind for kind, _, _ in world.stream.told] == ["typing", "typing", "stop-typing", "stop-typing"]


async def test_who_stops_is_not_told_to_have_stopped_again(world: World) -> None:
    world.typing.start("c", "", ANNA)
    world.typing.stop("c", "", ANNA)
    world.stream.take()
    world.pass_(100)
    assert world.stream.take() == []


async def test_who_has_sent_has_stopped(world: World) -> None:
    """Where they sent, and not in another conversation or thread; a change of a message is none that was written."""
    for place in (("c", ""), ("c", "t"), ("d", "")):
        world.typing.start(*place, ANNA)
    world.stream.take()
    world.commit(sent(kind=MESSAGE_UPDATED))
    assert world.stream.take() == []
    world.commit(sent("c", "t"))
    assert world.stream.take() == [("stop-typing", "anna", "ct")]
    world.commit(sent("c"), sent("c"))
    assert world.stream.take() == [("stop-typing", "anna", "c")]


async def test_who_is_removed_has_stopped(world: World) -> None:
    """In that conversation alone."""
    world.typing.start("c", "", ANNA)
    world.typing.start("c", "t", ANNA)
    world.typing.start("d", "", ANNA)
    world.stream.take()
    world.commit(Change(CONVERSATION_REMOVED, "c", ANNA, AT, user_id="anna", user_pos=1))
    assert sorted(world.stream.take()) == [("stop-typing", "anna", "c"), ("stop-typing", "anna", "ct")]


async def test_who_is_gone_has_stopped(world: World) -> None:
    """With their last session, and not before."""
    other = Stream()
    world.hub.join(other, "anna", {})
    world.typing.start("c", "", ANNA)
    world.typing.start("c", "", BELA)
    world.stream.take()
    world.hub.leave(other, "anna")
    assert world.stream.take() == []
    world.hub.leave(world.writer, "anna")
    assert world.stream.take() == [("stop-typing", "anna", "c")]
    world.pass_(100)
    assert world.stream.take() == [("stop-typing", "bela", "c")]


async def test_of_too_many_the_first_one_is_told_to_have_stopped(world: World) -> None:
    """So that they are never more."""
    for number in range(4):
        world.typing.start("c", "", Origin(f"user {number}", "w"))
    assert world.stream.take()[-1] == ("stop-typing", "user 0", "c")
    assert len(world.typing._typing) == 3

"""The relays to several instances, each a feed service of a few lines."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.feed_service_pb2_grpc import add_FeedServiceServicer_to_server
from facade.relays import Attachment, Relays
from mesh.background import background
from mesh.call.channel import MeshChannel
from mesh.call.inprocess import InProcessServer
from mesh.call.instances import Instances
from mesh.errors import Error, Unauthenticated, Unavailable
from mesh.rendezvous import ranked
from mesh.telemetry.metrics import Metrics
from tests.integration.facade.test_relay import Feed, until

NAMES = ("a:1", "b:1")


class Installation:
    """Instances by address; `names` are those that are known by now."""

    def __init__(self) -> None:
        self.feeds: dict[str, Feed] = {}
        self.servers: dict[str, Any] = {}
        self.names: tuple[str, ...] = NAMES
        self.changed = asyncio.Event()
        self.events: list[str] = []
        self.places: list[str] = []
        self.turns = 0
        self.metrics = Metrics(CollectorRegistry())
        for name in (*NAMES, "c:1"):
            self.feeds[name] = Feed()  # type: ignore[abstract]
            self.servers[name] = InProcessServer()
            add_FeedServiceServicer_to_server(self.feeds[name], self.servers[name])
        self.relays = Relays(
            self,  # type: ignore[arg-type]
            self,
        )
        self.greeted: list[str] = []
        self.lost: list[Error] = []

    async def watch(self) -> AsyncIterator[tuple[str, ...]]:
        while True:
            self.changed.clear()
            yield self.names
            await self.changed.wait()

    def open(self, address: str) -> grpc.aio.Channel:
        return MeshChannel(self.servers[address].channel(), self.metrics)

    def know(self, *names: str) -> None:
        self.names = names
        self.changed.set()

    def take(self, events: Sequence[pb.RelayEvent]) -> None:
        self.events += [event.change.type for event in events]

    def stand(self, attached: pb.Attached) -> None:
        self.places.append(attached.user_id)

    def turn(self, instances: int) -> None:
        self.turns += 1

    async def attach(self, token: str) -> Attachment:
        return await self.relays.attach(
            token, lambda attached: self.greeted.append(attached.user_id), self.lost.append, address="192.0.2.7"
        )

    async def call(self, attachment: Attachment, method: str, *, key: str = "", repeatable: bool = False) -> bytes:
        about = {"correlation_id": "c", "traceparent": ""}
        return await self.relays.call(attachment, method, b"asked", key=key, repeatable=repeatable, **about)

    def attached(self, token: str) -> list[str]:
        """Where a session of this token was taken, and how often."""
        return [name for name, feed in self.feeds.items() for _, taken in feed.attached if taken == token]

    def calls(self, name: str) -> int:
        return sum(entry.HasField("call") for frame in self.feeds[name].frames for entry in frame.entries)

    def key_of(self, name: str) -> str:
        """A key that an instance owns."""
        return next(key for key in map(str, range(100)) if ranked(key, self.names)[0] == name)


@pytest.fixture
async def installation() -> AsyncIterator[Installation]:
    made = Installation()
    async with background(made.relays.run(), "relays"):
        await until(lambda: made.turns >= 2)
        yield made
    for server in made.servers.values():
        await server.stop(0)


async def test_a_session_is_attached_everywhere_and_greeted_once(installation: Installation) -> None:
    """Each instance says where the logs stand; only the first counts the session for the rate limits."""
    await installation.attach("alice")
    await until(lambda: len(installation.places) == 2)
    assert sorted(installation.attached("alice")) == list(NAMES)
    assert installation.greeted == ["alice"]
    attaches = [e.attach for f in installation.feeds.values() for frame in f.frames for e in frame.entries]
    assert sorted(attach.counted for attach in attaches) == [False, True]


async def test_a_call_goes_to_who_owns_its_key(installation: Installation) -> None:
    """As long as it has taken the session."""
    session = await installation.attach("alice")
    await until(lambda: len(installation.places) == 2)
    for name in NAMES:
        await installation.call(session, "/x", key=installation.key_of(name))
    assert [installation.calls(name) for name in NAMES] == [1, 1]


async def test_a_session_that_one_instance_refuses_is_lost(installation: Installation) -> None:
    """As it would be by the next."""
    with pytest.raises(Unauthenticated):
        await installation.attach("bad")
    session = await installation.attach("alice")
    await until(lambda: len(installation.places) == 2)
    for seat in session.seats.values():
        seat.token = "bad"
        seat_of = next(relay for relay, other in session.seats.items() if other is seat)
        seat_of.renew(seat)
    await until(lambda: len(installation.lost) == 2)
    assert {error.reason for error in installation.lost} == {"TOKEN_INVALID"}


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_call_whose_stream_broke(installation: Installation, repeatable: bool) -> None:
    """Is made once more at another instance if it may be repeated; the sessions come back by themselves."""
    session = await installation.attach("alice")
    await until(lambda: len(installation.places) == 2)
    first, second = NAMES
    installation.feeds[first].breaks_at = "/once"
    call = installation.call(session, "/once", key=installation.key_of(first), repeatable=repeatable)
    if repeatable:
        assert await call == b"asked"
    else:
        with pytest.raises(Unavailable):
            await call
    assert installation.calls(second) == int(repeatable)
    await until(lambda: len(installation.places) == 3)
    assert installation.greeted == ["alice"]


async def test_after_a_time_without_any_a_session_is_greeted_again(installation: Installation) -> None:
    """It has missed something then, whichever instance is back first."""
    session = await installation.attach("alice")
    await until(lambda: len(installation.places) == 2)
    for feed in installation.feeds.values():
        feed.breaks_at = "/end"
    with pytest.raises(Unavailable):
        await installation.call(session, "/end", repeatable=True)
    await until(lambda: installation.greeted == ["alice", "alice"])


async def test_a_new_instance_takes_part_once_all_are_attached(installation: Installation) -> None:
    """Until then the others do its work."""
    session = await installation.attach("alice")
    installation.feeds["c:1"].gate.clear()
    installation.know(*NAMES, "c:1")
    await asyncio.sleep(0.01)
    key = installation.key_of("c:1")
    assert await installation.call(session, "/x", key=key) == b"asked"
    assert installation.calls("c:1") == 0
    installation.feeds["c:1"].gate.set()
    await until(lambda: "c:1" in installation.attached("alice"))
    await until(lambda: installation.turns >= 3)
    assert await installation.call(session, "/x", key=key) == b"asked"
    assert installation.calls("c:1") == 1


async def test_an_instance_that_is_no_more_is_left(installation: Installation) -> None:
    """Its calls go to the others, and its stream ends."""
    session = await installation.attach("alice")
    await until(lambda: len(installation.places) == 2)
    key = installation.key_of("a:1")
    installation.know("b:1")
    await until(lambda: len(session.seats) == 1)
    assert await installation.call(session, "/x", key=key) == b"asked"
    assert (installation.calls("a:1"), installation.calls("b:1")) == (0, 1)


async def test_a_fresh_token_and_the_end_of_a_session_reach_all(installation: Installation) -> None:
    """As the session does."""
    session = await installation.attach("alice")
    await until(lambda: len(installation.places) == 2)
    await installation.relays.refresh(session, "alice2")
    await until(lambda: len(installation.attached("alice2")) == 2)
    installation.relays.detach(session)
    await until(lambda: all(installation.feeds[name].detached for name in NAMES))


async def test_nobody_is_there() -> None:
    """Is told, not waited for."""
    relays = Relays(Instances(), Installation())
    with pytest.raises(Unavailable):
        await relays.attach("alice", lambda attached: None, lambda error: None, address="")

"""The relay against a feed service of a few lines."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.change_pb2 import Change
from chat.message.v1.feed_service_pb2_grpc import FeedServiceServicer, add_FeedServiceServicer_to_server
from facade.relay import Broken, Relay
from mesh.background import background
from mesh.call.channel import MeshChannel
from mesh.call.inprocess import InProcessServer
from mesh.call.status import to_status
from mesh.errors import Deadline, Error, Exhausted, Unauthenticated, Unavailable
from mesh.telemetry.metrics import Metrics


class Feed(FeedServiceServicer):
    """Answers each call with its own request; one method ends the stream, `/silent` is never answered."""

    def __init__(self) -> None:
        self.frames: list[pb.RelayRequest] = []
        self.attached: list[tuple[int, str]] = []
        self.detached: list[int] = []
        self.to_wait = 0
        """How many attachments are told to come back later."""
        self.refusal: Error = Exhausted("RATE_LIMITED", "Wait.", retry_after_s=0.001)
        """What they are told."""
        self.forgets = False
        """Whether it knows of no session."""
        self.breaks_at = "/break"
        """The method that ends the stream."""
        self.gate = asyncio.Event()
        self.gate.set()

    async def Relay(self, request_iterator: Any, context: Any) -> AsyncIterator[pb.RelayResponse]:
        async for frame in request_iterator:
            await self.gate.wait()
            self.frames.append(frame)
            response = pb.RelayResponse()
            for entry in frame.entries:
                if entry.call.method == self.breaks_at:
                    return
                if entry.call.method != "/silent":
                    self._answer(entry, response)
            yield response

    def _answer(self, entry: pb.RelayEntry, response: pb.RelayResponse) -> None:
        if entry.HasField("detach"):
            self.detached.append(entry.session)
            return
        reply = response.replies.add(id=entry.id)
        if entry.HasField("call") and self.forgets:
            reply.error.CopyFrom(to_status(Unauthenticated("NOT_ATTACHED", "Who?")))
        elif entry.HasField("call"):
            reply.response = entry.call.request
        elif entry.attach.token == "bad":
            reply.error.CopyFrom(to_status(Unauthenticated("TOKEN_INVALID", "No.")))
        elif self.to_wait:
            self.to_wait -= 1
            reply.error.CopyFrom(to_status(self.refusal))
        else:
            self.attached.append((entry.session, entry.attach.token))
            reply.attached.CopyFrom(pb.Attached(user_id=entry.attach.token, expires_in=60))
            response.events.add(change=Change(type="after-attach"))


class Harness:
    """A relay, its feed, and what it handed on."""

    def __init__(self, feed: Feed, relay: Relay, events: list[pb.RelayEvent]) -> None:
        self.feed, self.relay, self.events = feed, relay, events
        self.attached: list[str] = []
        self.lost: list[Error] = []

    async def attach(self, token: str) -> Any:
        async with asyncio.timeout(5):
            while True:
                try:
                    return await self.relay.attach(token, self._on_attached, self.lost.append, address="192.0.2.7")
                except Unavailable:
                    await asyncio.sleep(0.001)

    def _on_attached(self, attached: pb.Attached) -> None:
        self.attached.append(f"{attached.user_id} after {len(self.events)} events")

    async def call(self, attachment: Any, method: str, request: bytes = b"") -> bytes:
        return await self.relay.call(attachment, method, request, correlation_id="c", traceparent="")


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    async with running() as made:
        yield made


@asynccontextmanager
async def running() -> AsyncIterator[Harness]:
    feed = Feed()  # type: ignore[abstract]
    server: Any = InProcessServer()
    add_FeedServiceServicer_to_server(feed, server)
    events: list[pb.RelayEvent] = []
    relay = Relay(MeshChannel(server.channel(), Metrics(CollectorRegistry())), events.extend)
    async with background(relay.run(), "relay"):
        yield Harness(feed, relay, events)
    await server.stop(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_calls_are_answered_each_with_its_own(harness: Harness) -> None:
    """Replies find their calls."""
    session = await harness.attach("alice")
    answers = await asyncio.gather(*[harness.call(session, "/x", str(n).encode()) for n in range(50)])
    assert answers == [str(n).encode() for n in range(50)]


async def test_what_waits_leaves_in_one_frame(harness: Harness) -> None:
    """While the service is busy calls gather, and share the next frame."""
    session = await harness.attach("alice")
    harness.feed.frames.clear()
    await asyncio.gather(*[harness.call(session, "/x") for _ in range(100)])
    assert len(harness.feed.frames) < 10
    assert sum(len(frame.entries) for frame in harness.feed.frames) == 100


async def test_frames_are_bounded(harness: Harness) -> None:
    """Large requests are spread over frames of a quarter of a mebibyte."""
    session = await harness.attach("alice")
    await asyncio.gather(*[harness.call(session, "/x", b"x" * 100_000) for _ in range(10)])
    assert max(frame.ByteSize() for frame in harness.feed.frames) <= 256 * 1024


async def test_attached_comes_before_the_events_that_follow(harness: Harness) -> None:
    """Whoever is attached hears everything after its place."""
    await harness.attach("alice")
    await until(lambda: len(harness.events) == 1)
    assert harness.attached == ["alice after 0 events"]


@pytest.mark.parametrize(
    "refusal",
    [
        Exhausted("RATE_LIMITED", "Wait.", retry_after_s=0.001),
        Unavailable("UNAVAILABLE", "Keys cannot be fetched."),
        Deadline("DEADLINE_EXCEEDED", "Too late."),
    ],
    ids=lambda refusal: refusal.reason,
)
async def test_who_has_to_wait_after_a_break_is_attached_later(harness: Harness, refusal: Error) -> None:
    """A user whose many sockets all come back at once loses none of them, nor does one while others cannot answer."""
    session = await harness.attach("alice")
    harness.feed.refusal = refusal
    harness.feed.to_wait = 2
    with pytest.raises(Unavailable):
        await harness.call(session, "/break")
    await until(lambda: len(harness.feed.attached) == 2)
    assert (harness.feed.to_wait, harness.lost) == (0, [])


async def test_a_call_before_its_session_is_attached_again_may_be_repeated(harness: Harness) -> None:
    """Nothing of it was done, and the session is good."""
    session = await harness.attach("alice")
    harness.feed.forgets = True
    with pytest.raises(Broken) as caught:
        await harness.call(session, "/x")
    assert (caught.value.reason, caught.value.sent) == ("UNAVAILABLE", False)


async def test_who_has_to_wait_to_attach_is_told(harness: Harness) -> None:
    """A socket that connects hears it, and comes back by itself."""
    harness.feed.to_wait = 1
    with pytest.raises(Exhausted) as caught:
        await harness.attach("alice")
    assert (caught.value.reason, caught.value.retry_after_s) == ("RATE_LIMITED", 0.001)


async def test_a_refused_token_is_an_error(harness: Harness) -> None:
    """With the reason the service gave, and nothing stays attached."""
    with pytest.raises(Unauthenticated) as caught:
        await harness.attach("bad")
    assert caught.value.reason == "TOKEN_INVALID"


async def test_a_broken_stream_fails_what_waits_and_attaches_again(harness: Harness) -> None:
    """Calls without an answer are UNAVAILABLE; sessions come back by themselves, on a new stream."""
    session = await harness.attach("alice")
    silent = asyncio.create_task(harness.call(session, "/silent"))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await harness.call(session, "/break")
    with pytest.raises(Unavailable):
        await silent
    await until(lambda: len(harness.attached) == 2)
    assert harness.feed.attached == [(session.number, "alice")] * 2
    assert await harness.call(session, "/x", b"again") == b"again"


async def test_a_session_that_cannot_come_back_is_lost(harness: Harness) -> None:
    """Its owner hears why."""
    session = await harness.attach("alice")
    session.token = "bad"
    with pytest.raises(Unavailable):
        await harness.call(session, "/break")
    await until(lambda: bool(harness.lost))
    assert harness.lost[0].reason == "TOKEN_INVALID"


async def test_what_waits_for_an_answer_is_bounded(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """In number and in time."""
    session = await harness.attach("alice")
    monkeypatch.setattr("facade.relay.MAX_WAITING", 1)
    monkeypatch.setattr("facade.relay.ANSWER_S", 0.05)
    first = asyncio.create_task(harness.call(session, "/silent"))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="OVERLOADED"):
        await harness.call(session, "/x")
    with pytest.raises(Deadline):
        await first


async def test_refresh_goes_on_with_the_new_token(harness: Harness) -> None:
    """A later re-attachment uses it."""
    session = await harness.attach("alice")
    await harness.relay.refresh(session, "alice2")
    assert session.token == "alice2"
    with pytest.raises(Unauthenticated):
        await harness.relay.refresh(session, "bad")
    assert session.token == "alice2"


async def test_detached_sessions_are_told_and_forgotten(harness: Harness) -> None:
    """They do not come back after a break."""
    session = await harness.attach("alice")
    harness.relay.detach(session)
    harness.relay.detach(session)
    await until(lambda: harness.feed.detached == [session.number])
    other = await harness.attach("bob")
    with pytest.raises(Unavailable):
        await harness.call(other, "/break")
    await until(lambda: len(harness.attached) == 3)
    assert [token for _, token in harness.feed.attached] == ["alice", "bob", "bob"]

"""Streams over time: tokens that end, silence, slow readers, draining, and faults of ours."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.conversation_pb2 import Conversation
from mesh.call.context import RequestContext, bind
from mesh.call.status import from_status
from mesh.errors import Exhausted, Unauthenticated, Unavailable
from mesh.identity.principal import Principal
from services.message.feed import relay
from services.message.feed.relay import RelayStream
from services.message.feed.servicer import FeedServicer
from services.message.feed.streams import Streams
from services.message.feed.typing import Typing
from tests.integration.message.gateway import Gateway
from tests.integration.message.live import ANNA, BELA, LiveWorld, open_live


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[LiveWorld]:
    async with open_live(database_url) as world:
        yield world


async def nothing(principal: Principal, conversation_ids: Sequence[str]) -> Sequence[Conversation]:
    """Shows no conversation."""
    return ()


@pytest.fixture
def stream(world: LiveWorld) -> RelayStream:
    return RelayStream(world.live)


@pytest.fixture
async def gateway(stream: RelayStream) -> AsyncIterator[Gateway]:
    gateway = Gateway(stream.serve)
    yield gateway
    await gateway.close()


async def attach(gateway: Gateway, session: int, user_id: str = ANNA, *, end: float = 2_000) -> pb.RelayReply:
    (reply,) = await gateway.ask(gateway.attach(session, f"{user_id} {end}"))
    return reply


async def until_free(world: LiveWorld, user_id: str, conversation_id: str) -> None:
    """Waits until the user is attached nowhere."""
    async with asyncio.timeout(5):
        while world.live.hub.is_member(user_id, conversation_id) is not None:
            await asyncio.sleep(0.005)


async def test_a_session_ends_with_its_token(world: LiveWorld, gateway: Gateway) -> None:
    """Its calls are refused, its changes stop, and a fresh token brings both back."""
    group = await world.group(ANNA)
    await attach(gateway, 1, end=1_100)
    world.now = 1_100
    assert await gateway.reason(gateway.message(1, group)) == "TOKEN_EXPIRED"
    await attach(gateway, 2, BELA)
    assert world.live.hub.is_member(ANNA, group) is None
    await attach(gateway, 1, end=1_200)
    await gateway.ask(gateway.message(1, group))
    assert await gateway.told(1) == [("message-new", 2, "", "")]


async def test_changes_stop_at_the_end_of_the_token_without_any_call(world: LiveWorld, gateway: Gateway) -> None:
    """A silent session is not a way around it."""
    group = await world.group(ANNA)
    reply = await attach(gateway, 1, end=world.now + 0.5)
    assert reply.attached.expires_in == 0
    await until_free(world, ANNA, group)


async def test_a_token_that_ended_on_the_way_opens_nothing(world: LiveWorld, gateway: Gateway) -> None:
    """It is told so by `expires_in`."""
    group = await world.group(ANNA)
    world.now = 3_000
    assert (await attach(gateway, 1, end=2_000)).attached.expires_in == 0
    assert world.live.hub.is_member(ANNA, group) is None


async def test_a_revoked_session_ends_at_once(world: LiveWorld, gateway: Gateway) -> None:
    """Its changes stop without any call, its calls are refused; another session of the same user goes on."""
    group = await world.group(ANNA)
    await attach(gateway, 1)
    gateway.send(gateway.attach(2, f"{ANNA} 2000 other"))
    world.revoke("other")
    assert await gateway.ask(gateway.message(1, group))
    world.revoke("session")
    assert await gateway.reason(gateway.message(1, group)) == "SESSION_REVOKED"
    assert await gateway.reason(gateway.attach(1, f"{ANNA} 2000")) == "SESSION_REVOKED"
    assert world.live.hub.is_member(ANNA, group) is None
    gateway.send(gateway.attach(3, f"{ANNA} 2000 third"))
    assert (await gateway.ask(gateway.message(3, group)))[0].response


async def test_a_session_that_was_revoked_on_the_way_opens_nothing(world: LiveWorld, gateway: Gateway) -> None:
    """Between its proof and its place in the order of commits."""
    group = await world.group(ANNA)
    world.journal.hold()
    attaching = gateway.attach(1, f"{ANNA} 2000")
    gateway.send(attaching)
    reply = asyncio.create_task(gateway.reply(attaching))
    await world.journal.entered.wait()
    world.revoke("session")
    world.journal.gate.set()
    await reply
    assert world.live.hub.is_member(ANNA, group) is None


async def test_a_socket_that_goes_on_in_another_session_ends_with_that_one(world: LiveWorld, gateway: Gateway) -> None:
    """And not with the one that it was opened in."""
    group = await world.group(ANNA)
    await attach(gateway, 1)
    await gateway.ask(gateway.attach(1, f"{ANNA} 2000 other"))
    world.revoke("session")
    assert (await gateway.ask(gateway.message(1, group)))[0].response
    world.revoke("other")
    assert world.live.hub.is_member(ANNA, group) is None


async def test_a_feed_ends_when_its_session_is_revoked(world: LiveWorld) -> None:
    """With what waits for its reader left out, and whether it is idle or catches up."""
    await world.group(ANNA)
    await world.group(ANNA)
    typing = Typing(world.live.hub, lambda: datetime.now(UTC))
    feed = FeedServicer(world.store, Streams(world.live), typing, nothing)
    streams = []
    for session_id, place in (("idle", 0), ("waiting", 0), ("catching-up", 1)):
        bind(RequestContext(principal=Principal(ANNA, session_id, "user", 2_000)))
        streams.append(feed.Subscribe(pb.SubscribeRequest(user_pos=place), None))
        assert (await anext(streams[-1])).HasField("ready")
    idle = asyncio.ensure_future(anext(streams[0]))
    await asyncio.sleep(0)
    for session_id in ("idle", "waiting", "catching-up"):
        world.revoke(session_id)
    for answer in (idle, anext(streams[1]), anext(streams[2])):
        with pytest.raises(Unauthenticated, match="SESSION_REVOKED"):
            await answer


async def test_a_session_detached_before_it_was_opened_stays_closed(world: LiveWorld, gateway: Gateway) -> None:
    """The attachment is answered all the same."""
    group = await world.group(ANNA)
    await gateway.ask(gateway.attach(1, f"{ANNA} 2000"), gateway.detach(1))
    assert world.live.hub.is_member(ANNA, group) is None


async def test_the_end_of_a_stream_detaches_all_its_sessions(world: LiveWorld, gateway: Gateway) -> None:
    """However it ends."""
    group = await world.group(ANNA)
    await attach(gateway, 1)
    await attach(gateway, 2)
    assert world.live.hub.is_member(ANNA, group)
    await gateway.close()
    assert world.live.hub.is_member(ANNA, group) is None


async def test_an_attachment_is_answered_between_the_changes_around_it(world: LiveWorld, gateway: Gateway) -> None:
    """In one batch of writes: those before are not told as events, those after come behind the reply."""
    group = await world.group(ANNA, BELA)
    await attach(gateway, 1)
    gateway.frames.clear()
    world.journal.hold()
    gateway.send(
        *(gateway.message(1, group, "first"), gateway.message(1, group, "before")),
        *(gateway.attach(2, f"{BELA} 2000"), gateway.message(1, group, "after")),
    )
    reading = asyncio.create_task(gateway.told(3))
    await world.journal.entered.wait()
    world.journal.gate.set()
    assert [pos for _, pos, *_ in await reading] == [2, 3, 4]
    order = [
        part
        for frame in gateway.frames
        for part in (
            *(reply.attached.positions[group] for reply in frame.replies if reply.HasField("attached")),
            *(event.change.pos for event in frame.events),
        )
    ]
    assert order == [2, 3, 3, 4]


async def test_a_draining_stream_answers_what_it_took(world: LiveWorld, stream: RelayStream, gateway: Gateway) -> None:
    """Then it ends, so that the gateway goes elsewhere."""
    group = await world.group(ANNA)
    await attach(gateway, 1)
    world.journal.hold()
    message = gateway.message(1, group)
    gateway.send(message)
    reading = asyncio.create_task(gateway.reply(message))
    await world.journal.entered.wait()
    stream.drain()
    world.journal.gate.set()
    assert (await reading).HasField("response")
    with pytest.raises(Unavailable, match="DRAINING"):
        await gateway.read()


async def test_a_gateway_that_does_not_read_is_sent_away(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer does not wait for it, and its sessions are detached."""
    monkeypatch.setattr(relay, "MAX_WAITING", 50)
    gateway = Gateway(RelayStream(world.live).serve)
    group = await world.group(ANNA)
    await attach(gateway, 1)
    gateway.send(*[gateway.message(1, group) for _ in range(60)])
    with pytest.raises(Exhausted, match="SLOW_CONSUMER"):
        await read_to_the_end(gateway)
    assert world.live.hub.is_member(ANNA, group) is None


async def read_to_the_end(gateway: Gateway) -> None:
    while await gateway.read():
        pass


async def test_a_stream_carries_a_bounded_number_of_sessions(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """One token could open any number of them."""
    monkeypatch.setattr(relay, "MAX_SESSIONS", 2)
    for session in (1, 2):
        assert (await attach(gateway, session)).HasField("attached")
    assert from_status((await attach(gateway, 3)).error).reason == "OVERLOADED"


async def test_faults_of_ours_keep_their_text(world: LiveWorld, gateway: Gateway) -> None:
    """Of calls and of attachments; an id leads to the log, and the stream lives."""
    group = await world.group(ANNA)
    await attach(gateway, 1)
    world.journal.fault = RuntimeError("secret")
    (call,) = await gateway.ask(gateway.message(1, group))
    attached = await attach(gateway, 2, BELA)
    for reply in (call, attached):
        error = from_status(reply.error)
        assert (error.reason, "secret" in str(error), bool(error.metadata["error_id"])) == ("INTERNAL", False, True)
    world.journal.fault = None
    assert (await gateway.ask(gateway.message(1, group)))[0].HasField("response")


async def test_a_broken_stream_of_requests_ends_the_stream(world: LiveWorld) -> None:
    """With what broke it."""

    async def requests() -> AsyncIterator[pb.RelayRequest]:
        yield pb.RelayRequest()
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        _ = [frame async for frame in RelayStream(world.live).serve(requests())]


async def test_a_silent_feed_shows_signs_of_life(world: LiveWorld) -> None:
    """Until the token ends."""
    group = await world.group(ANNA)
    typing = Typing(world.live.hub, lambda: datetime.now(UTC))
    servicer = FeedServicer(world.store, Streams(world.live, heartbeat_s=0.01), typing, nothing)
    bind(RequestContext(principal=Principal(ANNA, "session", "user", 2_000)))
    feed = servicer.Subscribe(pb.SubscribeRequest(), None)
    assert (await anext(feed)).ready.heartbeat_s == 1
    for _ in range(3):
        assert (await anext(feed)).HasField("heartbeat")
    assert world.live.hub.is_member(ANNA, group)
    world.now = 2_000
    with pytest.raises(Unauthenticated, match="TOKEN_EXPIRED"):
        await anext(feed)
    assert world.live.hub.is_member(ANNA, group) is None


async def test_a_stream_does_not_grow_old(world: LiveWorld) -> None:
    """It ends with a reason to open it again, wherever a balancer leads then."""
    group = await world.group(ANNA)
    typing = Typing(world.live.hub, lambda: datetime.now(UTC))
    servicer = FeedServicer(world.store, Streams(world.live, heartbeat_s=0.01, max_age_s=60), typing, nothing)
    bind(RequestContext(principal=Principal(ANNA, "session", "user", 2_000)))
    feeds = [
        servicer.Subscribe(pb.SubscribeRequest(), None),
        servicer.WatchConversations(pb.WatchConversationsRequest(), None),
        servicer.Chat(opening(), None),
    ]
    for feed in feeds:
        assert (await anext(feed)).HasField("ready")
        assert (await anext(feed)).HasField("heartbeat")
    world.now += 60
    for feed in feeds:
        with pytest.raises(Unavailable, match="STREAM_TOO_OLD"):
            await anext(feed)
    assert world.live.hub.is_member(ANNA, group) is None


async def test_all_streams_end_with_their_session(world: LiveWorld) -> None:
    """At once, and with what waits left out."""
    typing = Typing(world.live.hub, lambda: datetime.now(UTC))
    servicer = FeedServicer(world.store, Streams(world.live), typing, nothing)
    bind(RequestContext(principal=Principal(ANNA, "session", "user", 2_000)))
    feeds = [
        servicer.WatchConversations(pb.WatchConversationsRequest(), None),
        servicer.Chat(opening(), None),
    ]
    for feed in feeds:
        assert (await anext(feed)).HasField("ready")
    world.revoke("session")
    for feed in feeds:
        with pytest.raises(Unauthenticated, match="SESSION_REVOKED"):
            await anext(feed)


async def opening() -> AsyncIterator[pb.ChatRequest]:
    """Opens a Chat stream and says nothing more."""
    yield pb.ChatRequest(open=pb.SubscribeRequest())
    await asyncio.Event().wait()


async def test_a_feed_that_is_given_up_before_it_opens_leaves_nothing(world: LiveWorld) -> None:
    """The attachment that waits finds nobody."""
    group = await world.group(ANNA)
    typing = Typing(world.live.hub, lambda: datetime.now(UTC))
    servicer = FeedServicer(world.store, Streams(world.live), typing, nothing)
    bind(RequestContext(principal=Principal(ANNA, "session", "user", 2_000)))
    world.journal.hold()
    opening = asyncio.ensure_future(anext(servicer.Subscribe(pb.SubscribeRequest(), None)))
    await world.journal.entered.wait()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    world.journal.gate.set()
    await world.group(ANNA)
    assert world.live.hub.is_member(ANNA, group) is None

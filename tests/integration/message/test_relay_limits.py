"""Limits inside Relay streams: a frame is charged at once, and an entry that has to wait fails alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.message_service_pb2 import SendMessageRequest, SendMessageResponse
from mesh.call import context as request_context
from mesh.call.context import RequestContext
from mesh.call.status import from_status
from mesh.errors import Limit
from mesh.limits.limiter import Charge, Decision
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.limits.limits import Limits
from mesh.limits.overrides import read
from mesh.policy.admit import admit
from mesh.telemetry.metrics import Metrics, new_registry
from services.message.calls import Relayed
from services.message.feed.relay import RelayStream
from services.message.feed.relay_calls import RelayCalls
from tests.integration.message.gateway import SEND, Gateway
from tests.integration.message.live import ANNA, BELA, LiveWorld, open_live

TEXT = "off,send.user=3/h,send.conversation=5/h,token.user=3/h"
Open = Callable[..., Gateway]


class Limiter(MemoryLimiter):
    """Keeps how many calls came in each question, and answers them when `gate` is open."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def take(self, calls: Sequence[Sequence[Charge]]) -> list[list[Decision]]:
        self.asked.append(len(calls))
        await self.gate.wait()
        return await super().take(calls)


@pytest.fixture
def limiter() -> Limiter:
    return Limiter()


@pytest.fixture
async def world(database_url: str, limiter: Limiter) -> AsyncIterator[LiveWorld]:
    async with open_live(database_url) as world:
        world.live = replace(world.live, limits=Limits(read(TEXT), limiter))
        yield world


@asynccontextmanager
async def open_gateway(world: LiveWorld, opener: RequestContext) -> AsyncIterator[Gateway]:
    """A gateway whose stream was opened so."""
    bound = request_context.bind(opener)
    gateway = Gateway(RelayStream(world.live).serve)
    request_context.unbind(bound)
    yield gateway
    await gateway.close()


@pytest.fixture
async def gateway(world: LiveWorld) -> AsyncIterator[Gateway]:
    async with open_gateway(world, RequestContext(is_mesh=True)) as gateway:
        yield gateway


def outcome(reply: pb.RelayReply) -> str:
    """`OK`, or why not."""
    return from_status(reply.error).reason if reply.HasField("error") else "OK"


async def attach(gateway: Gateway, session: int, user_id: str = ANNA) -> pb.RelayReply:
    (reply,) = await gateway.ask(gateway.attach(session, f"{user_id} 2000"))
    return reply


async def test_an_entry_that_has_to_wait_fails_alone(world: LiveWorld, gateway: Gateway) -> None:
    """Those of others in the frame are carried out, and what was carried out is in its order."""
    group = await world.group(ANNA, BELA)
    await attach(gateway, 1, ANNA)
    await attach(gateway, 2, BELA)
    replies = await gateway.ask(
        *[gateway.message(1, group, f"anna {number}") for number in range(4)],
        *[gateway.message(2, group, f"bela {number}") for number in range(2)],
    )
    assert [outcome(reply) for reply in replies] == ["OK", "OK", "OK", "RATE_LIMITED", "OK", "OK"]
    sent = [SendMessageResponse.FromString(replies[index].response).message for index in (0, 1, 2, 4, 5)]
    assert [message.text for message in sent] == ["anna 0", "anna 1", "anna 2", "bela 0", "bela 1"]
    assert [message.seq for message in sent] == [1, 2, 3, 4, 5]


async def test_a_refusal_says_what_limit_and_how_long(world: LiveWorld, gateway: Gateway) -> None:
    """Here that of the conversation, whoever writes."""
    group = await world.group(ANNA, BELA)
    await attach(gateway, 1, ANNA)
    await attach(gateway, 2, BELA)
    *_, last = await gateway.ask(*[gateway.message(1 + number % 2, group) for number in range(6)])
    error = from_status(last.error)
    assert (error.reason, error.limit) == ("RATE_LIMITED", Limit("send", "conversation"))
    assert error.retry_after_s is not None
    assert 700 < error.retry_after_s <= 720


async def test_a_frame_is_one_question(world: LiveWorld, gateway: Gateway, limiter: Limiter) -> None:
    """However many entries it has, of whatever kinds."""
    group = await world.group(ANNA)
    entries = [gateway.attach(1, f"{ANNA} 2000"), gateway.message(1, group), gateway.message(1, group)]
    replies = await gateway.ask(*entries, gateway.detach(1))
    assert [outcome(reply) for reply in replies] == ["OK"] * 4
    assert limiter.asked == [4]


async def test_who_attaches_too_often_has_to_wait(world: LiveWorld, gateway: Gateway) -> None:
    """What was meant for a session that could not open finds none; sessions of others open."""
    group = await world.group(ANNA)
    for session in (1, 2, 3):
        assert outcome(await attach(gateway, session)) == "OK"
    replies = await gateway.ask(
        gateway.attach(4, f"{ANNA} 2000"),
        gateway.message(4, group),
        gateway.attach(5, f"{BELA} 2000"),
        gateway.message(1, group),
    )
    assert [outcome(reply) for reply in replies] == ["RATE_LIMITED", "NOT_ATTACHED", "OK", "OK"]
    assert from_status(replies[0].error).limit == Limit("token", "user")


async def test_what_is_no_call_is_refused_for_what_it_is(world: LiveWorld, gateway: Gateway, limiter: Limiter) -> None:
    """Neither a strange method nor rubbish nor a stranger costs anybody anything."""
    group = await world.group(ANNA)
    await attach(gateway, 1)
    strange = gateway.call(1, "/chat.user.v1.SessionService/Login", SendMessageRequest())
    broken = pb.RelayEntry(id=9_999, session=1, call=pb.Call(method=SEND, request=b"\xff"))
    for _ in range(3):
        replies = await gateway.ask(strange, broken, gateway.message(7, group))
        assert [outcome(reply) for reply in replies] == ["UNIMPLEMENTED", "INVALID_REQUEST", "NOT_ATTACHED"]
        gateway.replies.clear()
    replies = await gateway.ask(*[gateway.message(1, group) for _ in range(3)])
    assert [outcome(reply) for reply in replies] == ["OK"] * 3


async def test_entries_keep_their_order_while_a_store_is_asked(
    world: LiveWorld, gateway: Gateway, limiter: Limiter
) -> None:
    """What comes later does not overtake what waits to be counted."""
    group = await world.group(ANNA)
    await attach(gateway, 1)
    limiter.gate.clear()
    first, second = gateway.message(1, group, "first"), gateway.message(1, group, "second")
    gateway.send(first)
    gateway.send(second)
    limiter.gate.set()
    replies = [await gateway.reply(entry) for entry in (first, second)]
    sent = [SendMessageResponse.FromString(reply.response).message for reply in replies]
    assert [(message.text, message.seq) for message in sent] == [("first", 1), ("second", 2)]


@pytest.mark.parametrize(
    ("opener", "address"),
    [
        (RequestContext(is_mesh=True, address="192.0.2.9"), "198.51.100.7"),
        (RequestContext(address="192.0.2.9"), "192.0.2.9"),
    ],
    ids=["a process of ours", "a stranger"],
)
async def test_calls_come_from_where_a_trusted_gateway_says(
    world: LiveWorld, opener: RequestContext, address: str
) -> None:
    """Anybody else can only speak for the address that they call from. What they serve is not counted again."""
    seen: list[RequestContext] = []

    def begin(request: SendMessageRequest, origin: object) -> "asyncio.Future[None]":
        seen.append(request_context.current())
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    relayed = {SEND: Relayed(SendMessageRequest, begin, lambda _: SendMessageResponse())}
    calls = RelayCalls(relayed, world.live.profiles, admit=admit, metrics=Metrics(new_registry()))
    world.live = replace(world.live, calls=calls)
    group = await world.group(ANNA)
    async with open_gateway(world, opener) as gateway:
        entry = gateway.attach(1, f"{ANNA} 2000")
        entry.attach.address = "198.51.100.7"
        replies = await gateway.ask(entry, gateway.message(1, group))
    assert [outcome(reply) for reply in replies] == ["OK", "OK"]
    assert [(context.address, context.is_counted) for context in seen] == [(address, True)]


@pytest.mark.parametrize("is_mesh", [True, False])
async def test_a_session_that_was_counted_is_not_counted_again(world: LiveWorld, is_mesh: bool) -> None:
    """At another instance, or after a break. Strangers are not believed."""
    async with open_gateway(world, RequestContext(is_mesh=is_mesh, address="192.0.2.1")) as gateway:
        entries = [gateway.attach(number, f"{ANNA} 5000") for number in range(6)]
        for entry in entries:
            entry.attach.counted = True
        outcomes = [outcome(reply) for reply in await gateway.ask(*entries)]
    assert outcomes.count("RATE_LIMITED") == (0 if is_mesh else 3)

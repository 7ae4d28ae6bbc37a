"""Calls are charged where they are served, over any channel."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from mesh.call.inprocess import InProcessChannel
from mesh.call.status import from_rpc_error
from mesh.errors import Conflict, Exhausted, Limit
from mesh.limits.headers import Left, read
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.limits.limits import Limits
from mesh.limits.overrides import read as table
from tests.arity import Text
from tests.contract.call.conftest import Serve, Wire

ALICE = (("authorization", "Bearer alice"),)


@pytest.fixture
def limits() -> Limits:
    """Two messages a user, three a conversation, two streams, two log-ins an account; all for an hour."""
    text = "send.user=2/h,send.conversation=3/h,read=2/h,login.account=2/h"
    return Limits(table(text), MemoryLimiter())


async def echo(request: Any, context: Any) -> Any:
    return request


async def ended(call: Any) -> tuple[Exhausted | None, list[Left]]:
    """Why a call was refused, if it was, and what its end told of limits."""
    error = None
    try:
        await call
    except grpc.aio.AioRpcError as caught:
        refused = from_rpc_error(caught)
        assert isinstance(refused, Exhausted)
        error = refused
    return error, read({key: value for key, value in await call.trailing_metadata() if isinstance(value, str)})


async def say(wire: Wire, to: str) -> tuple[Exhausted | None, list[Left]]:
    return await ended(wire.stub.Say(Text(value=to), metadata=ALICE))


async def test_what_is_left_is_told_until_nothing_is(serve: Serve, limits: Limits) -> None:
    """Successes and refusals tell it in the same form."""
    wire = await serve({"Say": echo}, limits)
    found = [await say(wire, "room") for _ in range(3)]
    assert [error is None for error, _ in found] == [True, True, False]
    assert [left.remaining for _, (left,) in found] == [1, 0, 0]
    assert {(left.name, left.quota, left.window_s) for _, (left,) in found} == {("send", 2, 3600)}


async def test_a_refusal_says_what_limit_and_how_long(serve: Serve, limits: Limits) -> None:
    """As an error of the catalogue, which every surface passes on."""
    wire = await serve({"Say": echo}, limits)
    for _ in range(3):
        error, _ = await say(wire, "room")
    assert error is not None
    assert (error.reason, error.limit) == ("RATE_LIMITED", Limit("send", "user"))
    assert error.retry_after_s is not None
    assert 1795 < error.retry_after_s <= 1800


async def test_what_a_method_names_is_charged_whoever_calls(serve: Serve, limits: Limits) -> None:
    """Here it is the conversation that everybody writes to."""
    wire = await serve({"Say": echo}, limits)
    root = (("authorization", "Bearer root"),)
    for metadata in (ALICE, ALICE, root):
        await wire.stub.Say(Text(value="room"), metadata=metadata)
    error, _ = await ended(wire.stub.Say(Text(value="room"), metadata=root))
    assert error is not None
    assert error.limit == Limit("send", "conversation")
    assert (await ended(wire.stub.Say(Text(value="another room"), metadata=root)))[0] is None


async def test_strangers_are_charged_too(serve: Serve, limits: Limits) -> None:
    """By the account that they try; trying another one is free of it."""
    wire = await serve({"Knock": echo}, limits)
    errors = [(await ended(wire.bare.Knock(Text(value="anna"))))[0] for _ in range(3)]
    assert [error is None for error in errors] == [True, True, False]
    assert (await ended(wire.bare.Knock(Text(value="bela"))))[0] is None


async def test_an_error_of_the_method_tells_what_is_left_as_well(serve: Serve, limits: Limits) -> None:
    """What failed was charged all the same."""

    async def fail(request: Any, context: Any) -> Any:
        raise Conflict("USERNAME_TAKEN", "Taken.")

    wire = await serve({"Say": fail}, limits)
    call = wire.stub.Say(Text(value="room"), metadata=ALICE)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert from_rpc_error(caught.value).reason == "USERNAME_TAKEN"
    (left,) = read({key: value for key, value in await call.trailing_metadata() if isinstance(value, str)})
    assert left.remaining == 1


async def test_a_stream_is_charged_when_it_opens(serve: Serve, limits: Limits) -> None:
    """Not by its items."""

    async def follow(request: Any, context: Any) -> AsyncIterator[Any]:
        for _ in range(10):
            yield Text(value="x")

    wire = await serve({"Follow": follow}, limits)
    for _ in range(2):
        assert len([item async for item in wire.stub.Follow(Text(), metadata=ALICE)]) == 10
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [item async for item in wire.stub.Follow(Text(), metadata=ALICE)]
    assert from_rpc_error(caught.value).reason == "RATE_LIMITED"


async def test_what_serves_a_call_is_not_charged_again(serve: Serve, limits: Limits) -> None:
    """One request of a user is one, however many services it takes."""
    wires = list[Wire]()

    async def ask_on(request: Any, context: Any) -> Any:
        if request.value == "first":
            return await wires[0].stub.Say(Text(value="second"))
        return request

    wires.append(await serve({"Say": ask_on}, limits))
    answered, (left,) = await say(wires[0], "first")
    assert answered is None
    assert left.remaining == 1
    assert (await say(wires[0], "first"))[0] is None


async def test_a_stranger_cannot_say_that_they_are_counted(serve: Serve, limits: Limits) -> None:
    """What is said beside a call is believed of our own processes only, such as whoever is in this one."""
    wire = await serve({"Say": echo}, limits)
    said = (*ALICE, ("x-rate-counted", "1"))
    errors = [(await ended(wire.bare.Say(Text(value="room"), metadata=said)))[0] for _ in range(3)]
    assert (errors[-1] is None) == isinstance(wire.channel, InProcessChannel)


async def test_what_was_refused_at_the_gate_costs_nothing(serve: Serve, limits: Limits) -> None:
    """A call that nobody may make is counted at the edge alone."""
    wire = await serve({"Say": echo}, limits)
    for _ in range(5):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wire.bare.Say(Text(value="room"))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert (await say(wire, "room"))[0] is None


async def test_calls_at_the_same_time_share_what_is_left(serve: Serve, limits: Limits) -> None:
    """None slips through while another is decided."""
    wire = await serve({"Say": echo}, limits)
    found = await asyncio.gather(*[say(wire, f"room {number}") for number in range(10)])
    assert sum(error is None for error, _ in found) == 2

"""What every channel promises, over a socket or not."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from mesh.call import context as request_context
from mesh.call.channel import stream
from mesh.call.context import RequestContext, caller, current
from mesh.call.status import from_rpc_error
from mesh.errors import Deadline, NotFound, Violation
from tests.arity import SERVICE, Text
from tests.contract.call.conftest import Serve


async def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition that another task brings about."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


async def echo(request: Any, context: Any) -> Any:
    return Text(value=request.value)


async def count(request: Any, context: Any) -> AsyncIterator[Any]:
    for number in range(int(request.value)):
        yield Text(value=str(number))


async def join(requests: Any, context: Any) -> Any:
    return Text(value=" ".join([request.value async for request in requests]))


async def talk(requests: Any, context: Any) -> AsyncIterator[Any]:
    async for request in requests:
        yield Text(value=request.value.upper())


async def words(*values: str) -> AsyncIterator[Any]:
    for value in values:
        yield Text(value=value)


async def test_unary_unary(serve: Serve) -> None:
    """One request, one response, which is a copy."""
    wire = await serve({"Echo": echo})
    request = Text(value="hi")
    response = await wire.stub.Echo(request)
    assert response == request
    assert response is not request


async def test_unary_stream(serve: Serve) -> None:
    """One request, many responses, in order."""
    wire = await serve({"Count": count})
    assert [item.value async for item in wire.stub.Count(Text(value="100"))] == [str(n) for n in range(100)]


async def test_unary_stream_by_read(serve: Serve) -> None:
    """Responses can be read one by one up to EOF."""
    wire = await serve({"Count": count})
    call = wire.stub.Count(Text(value="1"))
    assert (await call.read()).value == "0"
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def test_stream_unary(serve: Serve) -> None:
    """Many requests from an iterator, one response."""
    wire = await serve({"Join": join})
    assert (await wire.stub.Join(words("a", "b", "c"))).value == "a b c"


async def test_stream_unary_by_write(serve: Serve) -> None:
    """Many requests written one by one."""
    wire = await serve({"Join": join})
    call = wire.stub.Join()
    for word in ("x", "y"):
        await call.write(Text(value=word))
    await call.done_writing()
    assert (await call).value == "x y"
    with pytest.raises((asyncio.InvalidStateError, grpc.aio.AioRpcError)):
        await call.write(Text(value="late"))


async def test_stream_stream(serve: Serve) -> None:
    """Both sides talk in turn."""
    wire = await serve({"Talk": talk})
    async with stream(wire.stub.Talk()) as call:
        for word in ("a", "b"):
            await call.write(Text(value=word))
            assert (await call.read()).value == word.upper()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_stream_handler_that_writes(serve: Serve) -> None:
    """A handler may use context.read and context.write in place of iterators."""

    async def chat(_: Any, context: Any) -> None:
        while (request := await context.read()) is not grpc.aio.EOF:
            await context.write(request)

    wire = await serve({"Talk": chat})
    assert [item.value async for item in wire.stub.Talk(words("a", "b"))] == ["a", "b"]


async def test_metadata_travels_both_ways(serve: Serve) -> None:
    """Initial metadata, trailing metadata and the request's own arrive."""

    async def handler(request: Any, context: Any) -> Any:
        await context.send_initial_metadata((("x-first", "1"),))
        context.set_trailing_metadata((("x-last", "2"),))
        return Text(value=dict(context.invocation_metadata())["x-mine"])

    wire = await serve({"Echo": handler})
    call = wire.stub.Echo(Text(), metadata=(("x-mine", "3"),))
    assert (await call).value == "3"
    assert dict(await call.initial_metadata())["x-first"] == "1"
    assert dict(await call.trailing_metadata())["x-last"] == "2"


async def test_deadline_ends_both_sides(serve: Serve) -> None:
    """When the time is over the caller hears DEADLINE_EXCEEDED and the handler is cancelled."""
    ended = asyncio.Event()

    async def handler(request: Any, context: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    wire = await serve({"Echo": handler})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.stub.Echo(Text(), timeout=0.1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert from_rpc_error(caught.value).reason == "DEADLINE_EXCEEDED"
    await asyncio.wait_for(ended.wait(), 5)


async def test_time_remaining_is_seen_by_the_handler(serve: Serve) -> None:
    """The handler knows how long the caller waits."""

    async def handler(request: Any, context: Any) -> Any:
        return Text(value=str(context.time_remaining()))

    wire = await serve({"Echo": handler})
    assert 3 < float((await wire.stub.Echo(Text(), timeout=5)).value) < 5.1  # gRPC rounds up to send it.


async def test_method_deadline_holds_without_one_of_the_caller(serve: Serve) -> None:
    """A method's own deadline ends the call with DEADLINE_EXCEEDED."""

    async def handler(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    wire = await serve({"Quick": handler})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.stub.Quick(Text())
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_deadline_shrinks_over_hops(serve: Serve) -> None:
    """A call made while serving one gets what is left of its time, less the slack."""
    inner = await serve({"Echo": lambda request, context: _remaining(context)})

    async def handler(request: Any, context: Any) -> Any:
        mine = context.time_remaining()
        theirs = float((await inner.stub.Echo(Text())).value)
        return Text(value=str(mine - theirs))

    outer = await serve({"Echo": handler})
    assert 0 < float((await outer.stub.Echo(Text(), timeout=2)).value) < 0.5


async def _remaining(context: Any) -> Any:
    return Text(value=str(context.time_remaining()))


async def test_no_call_without_time(serve: Serve) -> None:
    """With nothing left of the request's time a call is not even made."""
    wire = await serve({"Echo": echo})
    token = request_context.bind(RequestContext(deadline=time.monotonic() + 0.005))
    try:
        with pytest.raises(Deadline):
            wire.stub.Echo(Text())
    finally:
        request_context.unbind(token)


@pytest.mark.parametrize("how", ["call", "task"])
async def test_cancelling_the_caller_cancels_the_handler(serve: Serve, how: str) -> None:
    """Giving up on a call, or the task that awaits it, reaches the handler."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def handler(request: Any, context: Any) -> Any:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    wire = await serve({"Echo": handler})
    call = wire.stub.Echo(Text())
    task = asyncio.ensure_future(_wait(call))
    await asyncio.wait_for(started.wait(), 5)
    assert (call if how == "call" else task).cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 5)
    assert call.cancelled()
    await until(lambda: _counted(wire, "CANCELLED") == 1)


async def _wait(call: Any) -> Any:
    return await call


def _counted(wire: Any, code: str) -> float:
    labels = {"method": "chat.arity.v1.ArityService/Echo", "code": code}
    return float(wire.registry.get_sample_value("chat_rpc_server_seconds_count", labels) or 0)


async def test_cancellation_crosses_hops(serve: Serve) -> None:
    """The handler behind a handler is cancelled too."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def leaf(request: Any, context: Any) -> Any:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    inner = await serve({"Echo": leaf})

    async def middle(request: Any, context: Any) -> Any:
        return await inner.stub.Echo(request)

    outer = await serve({"Echo": middle})
    call = outer.stub.Echo(Text())
    await asyncio.wait_for(started.wait(), 5)
    call.cancel()
    await asyncio.wait_for(ended.wait(), 5)


async def test_early_exit_from_a_stream_ends_it(serve: Serve) -> None:
    """Leaving a stream half-way ends the handler, and its clean-up runs."""
    ended = asyncio.Event()

    async def forever(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            while True:
                yield Text(value="x")
        finally:
            ended.set()

    wire = await serve({"Count": forever})
    async with stream(wire.stub.Count(Text())) as items:
        async for _ in items:
            break
    await asyncio.wait_for(ended.wait(), 5)


async def test_flow_control_stops_a_fast_writer(serve: Serve) -> None:
    """A stream that nobody reads stops its writer instead of filling the memory."""
    sent = 0
    done = asyncio.Event()

    async def forever(request: Any, context: Any) -> AsyncIterator[Any]:
        nonlocal sent
        try:
            while True:
                yield Text(value="x" * 100_000)
                sent += 1
        finally:
            done.set()

    wire = await serve({"Count": forever})
    async with stream(wire.stub.Count(Text())) as items:
        await items.read()
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)
        assert sent < 200
        for _ in range(sent + 5):
            await items.read()
    await asyncio.wait_for(done.wait(), 5)


async def test_flow_control_stops_a_fast_client(serve: Serve) -> None:
    """Requests that the handler does not read stop the client."""
    release = asyncio.Event()

    async def slow(requests: Any, context: Any) -> Any:
        await release.wait()
        return Text(value=str(len([request async for request in requests])))

    wire = await serve({"Join": slow})
    call = wire.stub.Join()
    written = 0

    async def write() -> None:
        nonlocal written
        for _ in range(300):
            await call.write(Text(value="x" * 100_000))
            written += 1
        await call.done_writing()

    task = asyncio.create_task(write())
    before = -1
    while before != written:
        before = written
        await asyncio.sleep(0.2)
    assert written < 300
    release.set()
    await task
    assert (await call).value == "300"


@pytest.mark.parametrize("direction", ["request", "response"])
async def test_messages_above_four_mebibytes_are_refused(serve: Serve, direction: str) -> None:
    """4 MiB is the limit, both ways, and the error says so."""

    async def big(request: Any, context: Any) -> Any:
        return Text(value="x" * (5 * 1024 * 1024))

    wire = await serve({"Echo": big if direction == "response" else echo})
    value = "x" * (5 * 1024 * 1024) if direction == "request" else ""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.stub.Echo(Text(value=value))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in (caught.value.details() or "")


async def test_rich_errors_arrive_whole(serve: Serve) -> None:
    """An error's reason, message, violations, wait and metadata come out as they went in."""
    error = NotFound(
        "USER_NOT_FOUND",
        "Nobody: «ß».",
        violations=[Violation("ids[1]", "exists", "is not a user")],
        retry_after_s=1.5,
        metadata={"id": "7"},
    )

    async def handler(request: Any, context: Any) -> Any:
        raise error

    async def streaming(request: Any, context: Any) -> AsyncIterator[Any]:
        yield Text(value="one")
        raise error

    wire = await serve({"Echo": handler, "Count": streaming})
    with pytest.raises(grpc.aio.AioRpcError) as unary:
        await wire.stub.Echo(Text())
    call = wire.stub.Count(Text())
    assert (await call.read()).value == "one"
    with pytest.raises(grpc.aio.AioRpcError) as streamed:
        await call.read()
    for caught in (unary, streamed):
        heard = from_rpc_error(caught.value)
        assert type(heard) is NotFound
        assert (heard.reason, heard.message, heard.violations) == (error.reason, error.message, error.violations)
        assert (heard.retry_after_s, heard.metadata) == (1.5, {"id": "7"})


async def test_unexpected_errors_do_not_leak(serve: Serve) -> None:
    """What nobody foresaw is INTERNAL with an id; the text of the exception stays here."""

    async def handler(request: Any, context: Any) -> Any:
        raise ValueError("secret words")

    async def streaming(request: Any, context: Any) -> AsyncIterator[Any]:
        yield Text()
        raise ValueError("secret words")

    wire = await serve({"Echo": handler, "Count": streaming})
    with pytest.raises(grpc.aio.AioRpcError) as unary:
        await wire.stub.Echo(Text())
    with pytest.raises(grpc.aio.AioRpcError) as streamed:
        [item async for item in wire.stub.Count(Text())]
    for caught in (unary, streamed):
        error = from_rpc_error(caught.value)
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert error.reason == "INTERNAL"
        assert len(error.metadata["error_id"]) == 32
        assert "secret" not in repr(caught.value) + str(caught.value.trailing_metadata())


async def test_an_error_from_behind_is_handed_on(serve: Serve) -> None:
    """When a service that we call refuses, our caller hears its reason."""

    async def refuse(request: Any, context: Any) -> Any:
        raise NotFound("USER_NOT_FOUND", "Nobody.")

    inner = await serve({"Echo": refuse})

    async def handler(request: Any, context: Any) -> Any:
        return await inner.stub.Echo(request)

    outer = await serve({"Echo": handler})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await outer.stub.Echo(Text())
    assert from_rpc_error(caught.value).reason == "USER_NOT_FOUND"


async def test_unknown_methods_are_unimplemented(serve: Serve) -> None:
    """A method nobody registered."""
    wire = await serve({"Echo": echo})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.stub.Whoami(Text())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert from_rpc_error(caught.value).reason == "UNIMPLEMENTED"


async def test_identity_and_correlation_are_bound_and_carried(serve: Serve) -> None:
    """The principal is known to the handler, and to the handler behind it, under one correlation id."""

    async def leaf(request: Any, context: Any) -> Any:
        return Text(value=f"{caller().user_id} {current().correlation_id}")

    inner = await serve({"Whoami": leaf})

    async def middle(request: Any, context: Any) -> Any:
        return await inner.stub.Whoami(request)

    outer = await serve({"Whoami": middle})
    metadata = (("authorization", "Bearer alice"), ("x-correlation-id", "c-1"))
    assert (await outer.stub.Whoami(Text(), metadata=metadata)).value == "alice c-1"


async def test_a_correlation_id_is_made_when_absent_or_bad(serve: Serve) -> None:
    """Every request has one, and none that could hurt a log."""

    async def handler(request: Any, context: Any) -> Any:
        return Text(value=current().correlation_id)

    wire = await serve({"Echo": handler})
    for offered in ("", "a b", "x" * 129):
        made = (await wire.stub.Echo(Text(), metadata=(("x-correlation-id", offered),))).value
        assert len(made) == 36


@pytest.mark.parametrize(
    ("method", "token", "code", "reason"),
    [
        ("Whoami", "", "UNAUTHENTICATED", "TOKEN_MISSING"),
        ("Whoami", "Bearer mallory", "UNAUTHENTICATED", "TOKEN_INVALID"),
        ("Whoami", "Basic alice", "UNAUTHENTICATED", "TOKEN_INVALID"),
        ("Admin", "Bearer alice", "PERMISSION_DENIED", "PERMISSION_DENIED"),
        ("Unmarked", "Bearer root", "INTERNAL", "INTERNAL"),
    ],
)
async def test_the_policy_of_the_method_decides(serve: Serve, method: str, token: str, code: str, reason: str) -> None:
    """Roles come from the contract, and a method without a policy is not served at all."""
    wire = await serve({"Whoami": echo, "Admin": echo, "Unmarked": echo})
    metadata = (("authorization", token),) if token else ()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(wire.bare, method)(Text(), metadata=metadata)
    assert caught.value.code().name == code
    assert from_rpc_error(caught.value).reason == reason


@pytest.mark.parametrize(
    ("behaviour", "arity"),
    [(echo, "unary_unary"), (count, "unary_stream"), (join, "stream_unary"), (talk, "stream_stream")],
)
async def test_bytes_that_are_no_request(serve: Serve, behaviour: Any, arity: str) -> None:
    """What cannot be read is the caller's fault: INVALID_REQUEST, and nothing of what the parser said."""

    async def garbage() -> AsyncIterator[bytes]:
        yield b"\xff\xff\xff\xff"

    method = behaviour.__name__.capitalize()
    wire = await serve({method: behaviour})
    call = getattr(wire.channel, arity)(f"/{SERVICE}/{method}")
    answer = call(garbage() if arity.startswith("stream") else b"\xff\xff\xff\xff")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _ = [item async for item in answer] if arity.endswith("stream") else await answer
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert from_rpc_error(caught.value).reason == "INVALID_REQUEST"
    assert caught.value.details() == "The request is not one of this method."


async def test_an_administrator_passes(serve: Serve) -> None:
    """The role in the token opens methods for administrators."""
    wire = await serve({"Admin": echo})
    assert await wire.stub.Admin(Text(value="x"), metadata=(("authorization", "Bearer root"),)) == Text(value="x")


async def test_stop_lets_running_calls_end(serve: Serve) -> None:
    """Within the grace time a running call ends well; new ones are refused."""
    started, release = asyncio.Event(), asyncio.Event()

    async def handler(request: Any, context: Any) -> Any:
        started.set()
        await release.wait()
        return Text(value="done")

    wire = await serve({"Echo": handler})
    call = wire.stub.Echo(Text())
    await started.wait()
    stopping = asyncio.ensure_future(wire.stop(5))
    await asyncio.sleep(0)
    release.set()
    assert (await call).value == "done"
    await stopping
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.stub.Echo(Text(), timeout=0.5)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_stop_ends_open_streams(serve: Serve) -> None:
    """After the grace time open streams end with UNAVAILABLE, and their handlers are cleaned up."""
    ended = asyncio.Event()

    async def forever(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            yield Text(value="first")
            await asyncio.Event().wait()
        finally:
            ended.set()

    wire = await serve({"Count": forever})
    call = wire.stub.Count(Text())
    assert (await call.read()).value == "first"
    await wire.stop(0.1)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await asyncio.wait_for(ended.wait(), 5)


async def test_calls_do_not_share_context(serve: Serve) -> None:
    """What one request binds is not seen by another, nor by the caller."""

    async def handler(request: Any, context: Any) -> Any:
        return Text(value=current().correlation_id)

    wire = await serve({"Echo": handler})
    ids = [(await wire.stub.Echo(Text())).value for _ in range(3)]
    assert len(set(ids)) == 3
    assert current().correlation_id == ""


async def test_the_method_ends_a_call_whose_caller_set_no_time(serve: Serve) -> None:
    """A stranger's call without a deadline gets the method's own."""

    async def handler(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    wire = await serve({"Quick": handler})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.bare.Quick(Text())
    assert from_rpc_error(caught.value).reason == "DEADLINE_EXCEEDED"


async def test_a_timeout_of_the_handlers_own_is_a_fault(serve: Serve) -> None:
    """Only the call's time makes DEADLINE_EXCEEDED; another TimeoutError is as unexpected as anything."""

    async def handler(request: Any, context: Any) -> Any:
        raise TimeoutError("mine")

    wire = await serve({"Quick": handler})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.bare.Quick(Text())
    assert caught.value.code() is grpc.StatusCode.INTERNAL


async def test_requests_may_come_from_a_plain_iterator(serve: Serve) -> None:
    """Lists and generators will do."""
    wire = await serve({"Join": join})
    assert (await wire.stub.Join([Text(value="a"), Text(value="b")])).value == "a b"


async def test_a_handler_may_set_the_status(serve: Serve) -> None:
    """Code and details without an exception."""

    async def handler(request: Any, context: Any) -> Any:
        context.set_code(grpc.StatusCode.OUT_OF_RANGE)
        context.set_details("too far")
        assert context.code() is grpc.StatusCode.OUT_OF_RANGE
        return Text()

    wire = await serve({"Echo": handler})
    call = wire.stub.Echo(Text())
    with pytest.raises(grpc.aio.AioRpcError):
        await call
    assert await call.code() is grpc.StatusCode.OUT_OF_RANGE
    assert await call.details() == "too far"


async def test_both_sides_hear_of_the_end(serve: Serve) -> None:
    """Done callbacks run on the client and on the server, and late ones at once."""
    server_done = asyncio.Event()

    async def handler(request: Any, context: Any) -> Any:
        context.add_done_callback(lambda _: server_done.set())
        assert not context.done()
        assert not context.cancelled()
        return Text()

    wire = await serve({"Echo": handler})
    call = wire.stub.Echo(Text(), timeout=5)
    await call.wait_for_connection()
    heard: list[Any] = []
    call.add_done_callback(heard.append)
    assert 0 < call.time_remaining() < 5.1
    await call
    await until(lambda: bool(heard))
    call.add_done_callback(heard.append)
    await until(lambda: len(heard) == 2)
    await asyncio.wait_for(server_done.wait(), 5)
    assert call.done()
    assert not call.cancel()


async def test_requests_that_fail_end_the_call(serve: Serve) -> None:
    """When the client's own iterator raises, the call does not go on waiting for it."""

    async def broken() -> AsyncIterator[Any]:
        yield Text(value="a")
        raise ValueError("mine")

    wire = await serve({"Join": join})
    with pytest.raises((asyncio.CancelledError, grpc.aio.AioRpcError)):
        await asyncio.wait_for(wire.stub.Join(broken()), 5)


async def test_a_request_in_a_stream_that_is_too_large_ends_it(serve: Serve) -> None:
    """The same limit holds for each message of a stream, both ways."""

    async def big(requests: Any, context: Any) -> AsyncIterator[Any]:
        async for _ in requests:
            yield Text(value="x" * (5 * 1024 * 1024))

    wire = await serve({"Talk": big})
    for size in (5 * 1024 * 1024, 1):
        async with stream(wire.stub.Talk()) as call:
            with pytest.raises(grpc.aio.AioRpcError) as caught:  # noqa: PT012
                await call.write(Text(value="x" * size))
                await call.read()
            # grpc.aio calls it INTERNAL when a client's own write is refused.
            assert caught.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL)

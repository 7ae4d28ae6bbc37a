"""What calls with an idempotency key do and answer, on each kind of database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from grpc_interceptor.server import AsyncServerInterceptor
from sqlalchemy import select
from structlog.testing import capture_logs

from chat.message.v1 import conversation_service_pb2 as pb
from chat.message.v1.conversation_pb2 import Conversation
from mesh.call.context import RequestContext, bind
from mesh.call.inprocess import InProcessServer
from mesh.call.interceptors import ErrorInterceptor
from mesh.call.status import from_rpc_error
from mesh.database import Database
from mesh.errors import Conflict, Error, Forbidden, Invalid, NotFound, Unavailable, WrongState
from mesh.idempotency import interceptor as module
from mesh.idempotency.interceptor import IdempotencyInterceptor
from mesh.idempotency.store import IdempotencyStore
from mesh.idempotency.store_sql import SqlIdempotencyStore
from mesh.identity.principal import Principal
from services.user.tables import idempotency_keys

SECRET = b"the secret of the installation"
ANNA = Principal("anna", "s-1", "user", 2e9)
Answer = tuple[str, bool]


class As(AsyncServerInterceptor):
    """Stands for admission: `principal` calls."""

    principal: Principal | None = ANNA

    async def intercept(self, method: Any, request_or_iterator: Any, context: Any, method_name: str) -> Any:
        bind(RequestContext(principal=self.principal))
        return await method(request_or_iterator, context)


@dataclass
class Process:
    """A process with a service that counts its effects, and its callers."""

    stub: Any
    idempotency: IdempotencyInterceptor
    caller: As
    service: "Rooms"

    async def create(self, key: str | None = "k-1", name: str = "lobby", method: str = "CreateConversation") -> Answer:
        """The id of what was answered, and whether that was a replay. Raises what the call was refused with."""
        metadata = [] if key is None else [("idempotency-key", key)]
        call = getattr(self.stub, method)(pb.CreateConversationRequest(name=name), metadata=metadata)
        try:
            response = await call
        except grpc.aio.AioRpcError as error:
            refusal = from_rpc_error(error)
            refusal.metadata["replayed"] = str(_replayed(error.trailing_metadata()))
            raise refusal from None
        return response.conversation.id, _replayed(await call.trailing_metadata())


@dataclass
class Rooms:
    """Has an effect, and answers its number. `before` and `after` are what happens around the effect."""

    before: Callable[[], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None
    effects: list[str] = field(default_factory=list)

    async def CreateConversation(self, request: Any, context: Any) -> pb.CreateConversationResponse:
        if self.before:
            await self.before()
        self.effects.append(request.name)
        if self.after:
            await self.after()
        return pb.CreateConversationResponse(conversation=Conversation(id=f"room-{len(self.effects)}"))

    UpdateConversation = CreateConversation


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


Start = Callable[[], Process]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def start(store: IdempotencyStore, clock: Clock) -> AsyncIterator[Start]:
    """Starts processes on one database."""
    started: list[tuple[InProcessServer, IdempotencyInterceptor]] = []

    def run() -> Process:
        idempotency, caller, rooms = IdempotencyInterceptor(SECRET, clock=clock), As(), Rooms()
        idempotency.keep("message", store)
        server = InProcessServer((ErrorInterceptor(), caller, idempotency))
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                getattr(rooms, name),
                pb.CreateConversationRequest.FromString,
                pb.CreateConversationResponse.SerializeToString,
            )
            for name in ("CreateConversation", "UpdateConversation")
        }
        server.add_registered_method_handlers("chat.message.v1.ConversationService", handlers)
        started.append((server, idempotency))
        return Process(_Stub(server.channel()), idempotency, caller, rooms)

    yield run
    for server, idempotency in started:
        await server.stop(None)
        await idempotency.close()


class _Stub:
    """Both methods with the same messages: only one of them takes keys."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        for name in ("CreateConversation", "UpdateConversation"):
            call = channel.unary_unary(
                f"/chat.message.v1.ConversationService/{name}",
                pb.CreateConversationRequest.SerializeToString,
                pb.CreateConversationResponse.FromString,
            )
            setattr(self, name, call)


def _replayed(metadata: Any) -> bool:
    return ("idempotent-replayed", "true") in tuple(metadata or ())


async def test_a_repeated_call_is_answered_as_the_first(start: Start, clock: Clock) -> None:
    """And says so; for a day, also by another process."""
    process, other = start(), start()
    assert await process.create() == ("room-1", False)
    assert await process.create() == ("room-1", True)
    clock.now += timedelta(hours=23)
    assert await other.create() == ("room-1", True)
    assert (process.service.effects, other.service.effects) == (["lobby"], [])
    clock.now += timedelta(hours=2)
    assert await process.create() == ("room-2", False)


async def test_without_a_key_every_call_runs(start: Start) -> None:
    """As it does with one where the method takes none."""
    process = start()
    assert [await process.create(None) for _ in range(2)] == [("room-1", False), ("room-2", False)]
    assert [await process.create(method="UpdateConversation") for _ in range(2)] == [
        ("room-3", False),
        ("room-4", False),
    ]


async def test_a_key_is_its_callers_alone(start: Start) -> None:
    """Other people, other workspaces and those whom nobody knows have calls of their own."""
    process = start()
    others = [Principal("bert", "s-2", "user", 2e9), Principal("anna", "s-3", "user", 2e9, "acme"), None]
    for number, principal in enumerate([ANNA, *others], 1):
        process.caller.principal = principal
        assert await process.create() == (f"room-{number}", False)
    process.caller.principal = Principal("anna", "s-9", "user", 2e9)
    assert await process.create() == ("room-1", True)


async def test_a_key_is_for_one_request(start: Start) -> None:
    """Another under the same key is a mistake, whether the first still runs or has answered."""
    process, gate = start(), asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    process.service.after = wait
    first = asyncio.create_task(process.create())
    await _until(lambda: process.service.effects)
    for _ in range(2):
        with pytest.raises(Conflict, match="IDEMPOTENCY_KEY_CONFLICT"):
            await process.create(name="another")
        gate.set()
        await first
    assert process.service.effects == ["lobby"]


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "käse", "tab\t"])
async def test_a_key_is_short_visible_ascii(start: Start, key: str) -> None:
    """Anything else is refused before it does anything."""
    process = start()
    with pytest.raises(Invalid, match="IDEMPOTENCY_KEY_INVALID"):
        await process.create(key)
    assert process.service.effects == []
    assert await process.create("x" * 255) == ("room-1", False)


@pytest.mark.parametrize("kind", [Invalid, Conflict, NotFound, WrongState, Forbidden])
async def test_a_final_refusal_is_kept(start: Start, kind: type[Error]) -> None:
    """It is repeated as it was, and says that it is."""
    process = start()

    async def refuse() -> None:
        raise kind("USERNAME_TAKEN", "Another account has this username.", metadata={"more": "m"})

    process.service.before = refuse
    with pytest.raises(kind) as first:
        await process.create()
    process.service.before = None
    with pytest.raises(kind) as second:
        await process.create()
    assert (first.value.metadata, second.value.metadata) == (
        {"more": "m", "replayed": "False"},
        {"more": "m", "replayed": "True"},
    )
    assert (second.value.reason, second.value.message) == (first.value.reason, first.value.message)
    assert process.service.effects == []


async def test_a_refusal_by_another_service_is_kept(start: Start) -> None:
    """When it is final, as if it were the service's own."""
    process = start()

    async def refuse() -> None:
        raise grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), grpc.aio.Metadata(), "Gone.")

    process.service.before = refuse
    for replayed in ("False", "True"):
        with pytest.raises(NotFound) as refusal:
            await process.create()
        assert refusal.value.metadata == {"replayed": replayed}


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    start: Start, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim ends with its lease."""
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    process = start()

    async def lose(self: object, *given: object) -> bool:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(SqlIdempotencyStore, "finish", lose)
        assert await process.create() == ("room-1", False)
    with pytest.raises(Unavailable, match="IDEMPOTENCY_KEY_IN_USE"):
        await process.create()
    clock.now += timedelta(seconds=3) + module.LEASE_SLACK
    assert await process.create() == ("room-2", False)


@pytest.mark.parametrize("failure", [Unavailable("OVERLOADED", "Later."), ZeroDivisionError(), TimeoutError()])
async def test_after_a_failure_that_passes_the_next_call_runs(start: Start, failure: Exception) -> None:
    """The claim is given back."""
    process = start()

    async def fail() -> None:
        raise failure

    process.service.before = fail
    with pytest.raises(Error):
        await process.create()
    process.service.before = None
    assert await process.create() == ("room-1", False)


async def test_fifty_calls_at_once_have_one_effect(start: Start) -> None:
    """In two processes; each is answered the same."""
    processes = [start(), start()]
    for process in processes:
        process.service.before = lambda: asyncio.sleep(0.01)
    answers = await asyncio.gather(*[processes[number % 2].create() for number in range(50)])
    assert sorted(answers) == [("room-1", False)] + [("room-1", True)] * 49
    assert sum(len(process.service.effects) for process in processes) == 1


async def test_who_cannot_wait_longer_is_told_to_come_back(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the process of the first call and in another, while that still runs."""
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    process, other, gate = start(), start(), asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    process.service.after = wait
    first = asyncio.create_task(process.create())
    await _until(lambda: process.service.effects)
    for late in (process, other):
        with pytest.raises(Unavailable, match="IDEMPOTENCY_KEY_IN_USE") as refusal:
            await late.create()
        assert refusal.value.retry_after_s == 1
    gate.set()
    assert await first == ("room-1", False)
    assert other.service.effects == []


async def test_a_call_goes_on_when_its_caller_gives_up(start: Start) -> None:
    """So that the next try finds the answer."""
    process, gate = start(), asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    process.service.after = wait
    first = asyncio.create_task(process.create())
    await _until(lambda: process.service.effects)
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    second = asyncio.create_task(process.create())
    gate.set()
    assert await second == ("room-1", True)


async def test_a_fault_after_its_caller_gave_up_is_logged(start: Start) -> None:
    """Nobody is there to be told of it, and the next try runs."""
    process, gate = start(), asyncio.Event()

    async def fail() -> None:
        await gate.wait()
        raise ZeroDivisionError

    process.service.after = fail
    with capture_logs() as logs:
        first = asyncio.create_task(process.create())
        await _until(lambda: process.service.effects)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        gate.set()
        await _until(lambda: logs)
    assert [line["event"] for line in logs] == ["unexpected error"]
    process.service.after = None
    assert await process.create() == ("room-2", False)


async def test_a_process_lets_such_calls_end(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it closes; those that take too long are ended."""
    monkeypatch.setattr(module, "CLOSE_S", 0.01)
    process, gate = start(), asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    process.service.after = wait
    first = asyncio.create_task(process.create())
    await _until(lambda: process.service.effects)
    await process.idempotency.close()
    assert (await asyncio.gather(first, return_exceptions=True))[0] is not None
    assert not gate.is_set()


async def test_what_died_is_taken_over(start: Start, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process ends between its effect and its answer: nobody knows, and after the lease the next call runs."""
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    process, other, gate = start(), start(), asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    process.service.after = wait
    first = asyncio.create_task(process.create())
    await _until(lambda: process.service.effects)
    for task in asyncio.all_tasks():
        if task.get_name().startswith("once "):
            task.cancel()
    await asyncio.gather(first, return_exceptions=True)
    clock.now += timedelta(seconds=3)
    with pytest.raises(Unavailable, match="IDEMPOTENCY_KEY_IN_USE"):
        await other.create()
    clock.now += timedelta(seconds=3) + module.LEASE_SLACK
    assert await other.create() == ("room-1", False)
    assert await process.create() == ("room-1", True)


async def test_what_took_too_long_keeps_its_claim(start: Start, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have had its effect, so the next call has to wait for the end of the lease."""
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    process = start()

    monkeypatch.setattr(module, "_deadline_s", lambda method: 0.01)
    process.service.after = asyncio.Event().wait  # type: ignore[assignment]
    with pytest.raises(Error, match="DEADLINE_EXCEEDED"):
        await process.create()
    process.service.after = None
    with pytest.raises(Unavailable, match="IDEMPOTENCY_KEY_IN_USE"):
        await process.create()
    clock.now += timedelta(seconds=1) + module.LEASE_SLACK
    assert await process.create() == ("room-2", False)


async def test_the_database_tells_nothing(start: Start, database: Database) -> None:
    """Neither key nor request nor answer stands in it, and two keys have nothing in common for the same request."""
    process = start()
    await process.create("a-key-to-find", "a-name-to-find")
    await process.create("another-key", "a-name-to-find")
    rows = await database.read(lambda connection: connection.execute(select(idempotency_keys)).all())
    kept = b"".join(row.hash + row.fingerprint + row.answer for row in rows)
    assert not any(word in kept for word in (b"a-key", b"a-name", b"another", b"room-"))
    assert len({row.fingerprint for row in rows}) == 2


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)

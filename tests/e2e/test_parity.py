"""Each method of the messages, called through every door it has: field for field the same answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.identity.proof import Proofs
from mesh.sealing import installation_secret
from mesh.settings import Settings
from tests.acceptance.postgres import database_settings
from tests.authz.cast import Actor, Cast
from tests.authz.expected import ALLOWED, expected
from tests.authz.samples import SAMPLES, new_name
from tests.authz.stage import Stage
from tests.authz.wire import Wire, is_read, short
from tests.contract.databases import POSTGRES
from tests.e2e.clients import Clients, User, open_clients
from tests.e2e.conftest import Server, start
from tests.e2e.doors import METHODS, GrpcDoor, Refused, RestDoor, SocketDoor, parsed, rest_request

IDEMPOTENT = 2
NAMED = {name: method for name, method in METHODS.items() if name.startswith("message.v1.")}
UNARY = [
    name
    for name, method in NAMED.items()
    if (method.rules or method.policy.socket_event)
    and not (method.descriptor.client_streaming or method.descriptor.server_streaming)
]
STREAMS = [name for name, method in NAMED.items() if method.descriptor.server_streaming and method.rules]
KEYED = {"SendMessage": "client_msg_id", "ForwardMessage": "client_msg_id"}
"""Writes that can be repeated by a key, which their samples lack: without it each makes something new."""
MAKES_NEW = {"BatchSendMessages", "CreateConversation", "CreateInvite", "CreateGroup", "ScheduleMessage"}
NEW_EACH_TIME = {"id", "conversation_id", "seq", "client_msg_id", "etag", "code", "handle"}
"""Fields in which things made one after the other differ; so they do in their times."""
HIDDEN = {"next_cursor", "prev_cursor"}
"""Cursors are sealed anew each time: only whether there is one can be the same."""
WITHIN_S = 10.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of its own: its people are made once."""
    with database_settings(bool(POSTGRES)) as databases:
        running = start(tmp_path_factory.mktemp("parity") / "data", **databases)
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="module")
def cast(server: Server) -> Iterator[Cast]:
    with grpc.insecure_channel(server.grpc) as channel:
        yield Cast(Wire(channel), Proofs(installation_secret(Settings(data=server.data))))


@pytest.fixture(scope="module")
def stage(cast: Cast) -> Stage:
    """What is only read."""
    return Stage(cast)


@pytest.fixture
async def clients(server: Server) -> AsyncIterator[Clients]:
    async with open_clients(server.http, server.grpc) as clients:
        yield clients


def test_what_makes_new_things_is_there() -> None:
    """No name is left of a method that is gone."""
    assert {*KEYED, *MAKES_NEW} <= {short(method) for method in NAMED.values()}


@pytest.mark.parametrize("name", UNARY)
async def test_each_door_gives_the_same_answer(name: str, server: Server, clients: Clients, stage: Stage) -> None:
    """Reads of one state; writes that are repeated, once they are done; what is made, apart from what is new in it."""
    method = METHODS[name]
    actor, request = await asyncio.to_thread(_prepared, name, stage)
    async with grpc.aio.insecure_channel(server.grpc) as channel:
        doors: dict[str, Any] = {"gRPC": GrpcDoor(lambda _: channel)}
        if method.rules:
            doors["REST"] = RestDoor(clients.rest)
        if method.policy.socket_event:
            socket = await clients.connect(User(actor.id, actor.username, actor.token))
            doors["socket"] = SocketDoor(socket.ask)
        if method.descriptor.GetOptions().idempotency_level == IDEMPOTENT:
            await _answer(doors["gRPC"], name, request, actor)
        if short(method) == "SearchMessages":
            await _indexed(doors["gRPC"], name, request, actor)
        answers = {}
        for door in doors:
            if "handle" in method.descriptor.input_type.fields_by_name:
                request.handle = new_name()
            answers[door] = _comparable(await _answer(doors[door], name, request, actor), short(method))
    assert len(answers) > 1
    for answer in answers.values():
        assert answer == answers["gRPC"]


@pytest.mark.parametrize("name", STREAMS)
async def test_streams_begin_the_same(name: str, server: Server, clients: Clients, stage: Stage) -> None:
    """A stream of HTTP is the one of gRPC, a JSON object a line. One that ends is compared to its end."""
    method = METHODS[name]
    actor, request = await asyncio.to_thread(_prepared, name, stage)
    bearer = f"Bearer {actor.token}"
    items = 1000 if "Export" in name else 1
    async with grpc.aio.insecure_channel(server.grpc) as channel, asyncio.timeout(WITHIN_S):
        call = method.on(channel)(request, metadata=(("authorization", bearer),))
        told = [item async for item in _first(call, items)]
        call.cancel()
        verb, path, about = rest_request(method, request)
        async with clients.rest.stream(verb, path, headers={"Authorization": bearer}, **about) as answer:
            lines = [parsed(method.response, json.loads(line)) async for line in _first(answer.aiter_lines(), items)]
    assert told
    assert lines == told


def _prepared(name: str, shared: Stage) -> tuple[Actor, Any]:
    """Somebody who may make the call, and what they say."""
    method, cast = METHODS[name], shared.cast
    stage = shared if is_read(method) else Stage(cast)
    assert stage.message
    request = SAMPLES[name](stage)
    if key := KEYED.get(short(method)):
        setattr(request, key, "parity")
    people = (cast.author, cast.owner, cast.boss)
    return next(actor for actor in people if expected(method, actor) == ALLOWED), request


async def _answer(door: Any, name: str, request: Message, actor: Actor) -> Any:
    try:
        return await door.call(name, request, actor.token)
    except Refused as refused:
        return refused.reason


async def _indexed(door: Any, name: str, request: Message, actor: Actor) -> None:
    """Waits until the index of words, which follows the log, has all that was written."""
    async with asyncio.timeout(WITHIN_S):
        while (await door.call(name, request, actor.token)).indexing:
            await asyncio.sleep(0.01)


def _comparable(answer: Any, method: str) -> Any:
    if isinstance(answer, Message):
        _level(answer, NEW_EACH_TIME if method in MAKES_NEW else set())
    return answer


def _level(message: Any, names: set[str]) -> None:
    """Takes out what cannot be the same; its presence stays."""
    for field, value in message.ListFields():
        if field.name in HIDDEN | names and field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            setattr(message, field.name, "given")
        elif field.name in names:
            setattr(message, field.name, 1)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for part in value if field.is_repeated else [value]:
                if not isinstance(part, Timestamp):
                    _level(part, names)
                elif names:
                    part.Clear()


async def _first(items: Any, count: int) -> AsyncIterator[Any]:
    async for item in items:
        yield item
        count -= 1
        if not count:
            return

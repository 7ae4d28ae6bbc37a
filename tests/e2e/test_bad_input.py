"""Whatever is sent, the answer is the documented one for it, none is a fault of ours, and the server goes on."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import grpc
import httpx2
import pytest
from grpc_status import rpc_status

from chat.common.v1 import reason_pb2
from mesh.call.status import from_status
from tests.e2e.bad_input import rest, rpc, sockets
from tests.e2e.bad_input.world import World, open_world
from tests.e2e.conftest import Server


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    with open_world(server) as world:
        yield world


@pytest.fixture(autouse=True)
def unharmed(world: World) -> Iterator[None]:
    """After each row the server answers, and has logged no fault."""
    before = world.server.log.stat().st_size
    yield
    assert world.http.get("/api/users/me", headers=world.headers("owner")).status_code == 200
    with world.server.log.open() as log:
        log.seek(before)
        logged = log.read()
    assert "Traceback" not in logged, logged


@pytest.mark.parametrize("row", rest.ROWS, ids=lambda row: row.name)
def test_rest(world: World, row: rest.Row) -> None:
    """A problem with the status, the code, the pointer and the hint of its row."""
    assert reason_pb2.Reason.Value(f"REASON_{row.code}")
    method, path = world.fill(row.request).split(" ", 1)
    headers = {**world.headers(row.who), **row.headers}
    content = {"json": world.fill(row.json)} if row.json is not None else {"content": row.raw}
    answer = world.http.request(method, path, headers=headers, **content)
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (row.status, row.status, row.code), problem
    if row.pointer is not None:
        assert row.pointer in [error["pointer"] for error in problem["errors"]], problem
    assert row.hint in str(problem)
    assert ("WWW-Authenticate" in answer.headers) == (row.status == 401)
    assert len(answer.content) < 10_000


@pytest.mark.parametrize("row", sockets.ROWS, ids=lambda row: row.name)
def test_sockets(world: World, row: sockets.Row) -> None:
    """The fate of its row, with the problem that its row names."""
    with sockets.dial(world) as connection:
        wire = sockets.Wire(connection)
        sockets.greeted(wire, world, row.who)
        for frame in row.frames:
            wire.send(world.fill(frame))
        problem = sockets.fates(wire)[row.fate]()
    if row.code:
        assert reason_pb2.Reason.Value(f"REASON_{row.code}")
        assert (problem["code"], problem["status"] < 500) == (row.code, True), problem
    if row.pointer is not None:
        assert row.pointer in [error["pointer"] for error in problem["errors"]], problem


def test_a_frame_too_large_closes_the_socket(world: World) -> None:
    """With the code that RFC 6455 has for it; nothing of it is read."""
    with sockets.dial(world) as connection:
        wire = sockets.Wire(connection)
        sockets.greeted(wire, world, "owner")
        wire.send("42" + "x" * 200_000)
        assert wire.closed() == sockets.TOO_BIG


@pytest.mark.parametrize(
    "payload", [b"zzz", b"", b"4zzz\x1e", b"\xff\xfe", b"40{}\x1ezzz", b"\x1e".join([b"3"] * 2000), b"4" * 200_000],
    ids=["garbage", "empty", "half", "not-utf-8", "second-part", "many-parts", "too-large"],
)  # fmt: skip
async def test_long_polling(world: World, payload: bytes) -> None:
    """What is no Engine.IO payload is refused, and ends the session that sent it."""
    place = "/ws/?EIO=4&transport=polling"
    async with httpx2.AsyncClient(base_url=world.server.http, timeout=10) as http:
        session = json.loads((await http.get(place)).text[1:])["sid"]
        place += f"&sid={session}"
        told, refused = await asyncio.gather(http.get(place), http.post(place, content=payload))
        assert (told.text, refused.status_code) == ("1", 400)
        assert (await http.get(place)).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "",
        "EIO=3&transport=polling",
        "EIO=4&transport=pigeon",
        "EIO=4&transport=polling&sid=x",
        "EIO=4&transport=websocket",
    ],
)
def test_engine_io_handshakes(world: World, query: str) -> None:
    """A version, a transport or a session that there is not."""
    assert world.http.get(f"/ws/?{query}").status_code == 400


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.grpc, [("grpc.max_send_message_length", -1)]) as channel:
        yield channel


def call(channel: Any, method: str, request: bytes, metadata: tuple[tuple[str, str | bytes], ...]) -> list[bytes]:
    """Makes a call of bytes, whatever the method; what it answers."""
    if method == rpc.RELAY:
        return list(channel.stream_stream(method)(iter([request]), metadata=metadata, timeout=5))
    return list(channel.unary_stream(method)(request, metadata=metadata, timeout=5))


@pytest.mark.parametrize("row", rpc.ROWS, ids=lambda row: row.name)
def test_grpc(world: World, channel: grpc.Channel, row: rpc.Row) -> None:
    """A status with the code of its row, and an ErrorInfo with its reason where the call reaches anything of ours."""
    request = row.request
    if not isinstance(request, bytes):
        request = request(**world.fill(row.fields)).SerializeToString()
    token = [("authorization", f"Bearer {world.tokens[row.who]}")] if row.who else []
    with pytest.raises(grpc.RpcError) as raised:
        call(channel, row.method, request, (*token, *row.metadata))
    assert raised.value.code().name == row.code, raised.value
    status = rpc_status.from_call(raised.value)
    if not row.reason:
        assert status is None
        return
    assert reason_pb2.Reason.Value(f"REASON_{row.reason}")
    error = from_status(status)
    assert error.reason == row.reason
    assert {*row.names} <= {violation.field for violation in error.violations}

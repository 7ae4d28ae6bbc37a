"""Everything joined, in one mesh and in several: the program is the same."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx2
import orjson
import pytest
import socketio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from websockets.asyncio.client import connect

from chat.message.v1.message_service_pb2 import SendMessageRequest
from chat.message.v1.message_service_pb2_grpc import MessageServiceStub
from chat.user.v1.account_service_pb2 import GetMeRequest
from chat.user.v1.account_service_pb2_grpc import AccountServiceStub
from cli.serve import main, serving
from facade.order import Order
from facade.resume import Resumer
from mesh.database import InUse
from mesh.identity.jwk import to_jwk
from mesh.identity.principal import Principal
from mesh.identity.tokens import sign
from mesh.settings import Settings
from tests.integration.conftest import ANY, EVERYTHING, Start, System, connect_socket, target


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def dm(alice: httpx2.AsyncClient, bob: httpx2.AsyncClient) -> str:
    """The conversation of the two."""
    other = (await bob.get("/api/users/me")).json()["id"]
    made = await alice.post("/api/messages/conversations", json={"type": "dm", "member_ids": [other]})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.fixture(params=[False, True], ids=["together", "apart"])
async def system(start: Start, request: pytest.FixtureRequest) -> System:
    running: System = await start(apart=request.param)
    return running


async def test_a_message_reaches_the_other_on_every_surface(system: System) -> None:
    """Sent by socket, it is acknowledged, arrives live, and stands in the history, with one trace and one id."""
    alice, bob = await system.http("alice"), await system.http("bob")
    conversation = await dm(alice, bob)
    phone, laptop = await system.device(alice), await system.device(bob)
    await until(lambda: laptop.named("hello") and phone.named("hello"))
    sent = await phone.client.call(
        "send-message", ({"conversation_id": conversation, "text": "hi"}, {"correlation_id": "mine"})
    )
    await until(lambda: laptop.named("message-new"))
    (change,) = laptop.named("message-new")
    history = (await bob.get("/api/messages", params={"conversation_id": conversation})).json()["items"]
    assert sent["ok"]
    assert sent["data"] == change["data"]["message"] == history[0]
    assert sent["correlation_id"] == change["correlation_id"] == "mine"
    assert sent["trace_id"] == change["trace_id"] != ""


async def test_a_socket_resumes_where_it_was(system: System) -> None:
    """What was missed comes once, in order, before `resumed`; then what happens."""
    alice, bob = await system.http("alice"), await system.http("bob")
    conversation = await dm(alice, bob)
    for number in range(3):
        await alice.post("/api/messages", json={"conversation_id": conversation, "text": str(number)})
    device = await system.device(bob, resume={"user_pos": 0, "positions": {conversation: 2}})
    await until(lambda: device.named("resumed"))
    assert [name for name, _ in device.events] == ["hello", "message-new", "message-new", "resumed"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z", device.named("hello")[0]["server_time"])
    assert device.named("resumed")[0] == {"replayed": 2, "user_pos": 1, "positions": {conversation: 4}}
    await alice.post("/api/messages", json={"conversation_id": conversation, "text": "live"})
    await until(lambda: len(device.named("message-new")) == 3)
    assert [change["pos"] for change in device.named("message-new")] == [3, 4, 5]


async def test_a_place_ahead_of_the_log_asks_for_a_resync(system: System) -> None:
    """It is said aloud, with the call to make."""
    alice, bob = await system.http("alice"), await system.http("bob")
    conversation = await dm(alice, bob)
    device = await system.device(bob, resume={"positions": {conversation: 99}})
    await until(lambda: device.named("resync-required"))
    assert device.named("resync-required")[0] == {"reason": "POSITION_AHEAD", "sync_url": "/api/messages/sync"}


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (None, "TOKEN_MISSING"),
        ({}, "TOKEN_MISSING"),
        ([], "TOKEN_MISSING"),
        ({"token": 7}, "TOKEN_INVALID"),
        ({"token": "x"}, "TOKEN_INVALID"),
        ({"resume": 7}, "INVALID_REQUEST"),
    ],
)
async def test_who_cannot_connect_is_told_why(start: Start, auth: Any, code: str) -> None:
    """The refusal carries the same problem as REST would."""
    system: System = await start()
    alice = await system.http("alice")
    if isinstance(auth, dict) and "resume" in auth:
        auth["token"] = alice.headers["Authorization"].removeprefix("Bearer ")
    refused: list[Any] = []
    client = socketio.AsyncClient(reconnection=False)
    client.on("connect_error", refused.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect_socket(client, system.url, auth)
    assert refused[0]["data"]["code"] == code
    assert refused[0]["message"] == refused[0]["data"]["detail"]
    await client.disconnect()


async def test_bad_events_are_answered_with_a_problem(start: Start) -> None:
    """Unknown events, wrong shapes and refused calls all have their code in the ack."""
    system: System = await start()
    device = await system.device(await system.http("alice"))
    codes = {}
    for event, data in [
        ("sent-message", {}),
        ("send-message", "text"),
        ("send-message", {"tekst": "x"}),
        ("send-message", None),
        ("mark-read", {"conversation_id": "0192f0c1-2b3a-7c4d-8e5f-0123456789ab", "seq": 1}),
        ("auth-refresh", {"token": "x"}),
        ("auth-refresh", {}),
    ]:
        answer = await device.client.call(event, data)
        assert not answer["ok"]
        assert answer["problem"]["trace_id"] == answer["trace_id"]
        codes[event, str(data)] = answer["problem"]["code"]
    assert list(codes.values()) == [
        "UNKNOWN_EVENT",
        "INVALID_REQUEST",
        "UNKNOWN_FIELD",
        "INVALID_REQUEST",
        "CONVERSATION_NOT_FOUND",
        "TOKEN_INVALID",
        "TOKEN_MISSING",
    ]


async def test_a_socket_goes_on_with_a_fresh_token(start: Start) -> None:
    """Of the same user; another one's is refused."""
    system: System = await start()
    alice, bob = await system.http("alice"), await system.http("bob")
    device = await system.device(alice)
    answers = [
        await device.client.call("auth-refresh", {"token": http.headers["Authorization"].removeprefix("Bearer ")})
        for http in (await system.http("alice"), bob)
    ]
    assert answers[0]["data"]["expires_in"] > 500
    assert answers[1]["problem"]["code"] == "USER_MISMATCH"


async def test_health_readiness_and_metrics(system: System) -> None:
    """Each port tells of what is hosted, and the calls are counted under their names."""
    client = await system.http("alice")
    facade = (await client.get("/health")).json()
    assert facade["status"] == "serving"
    async with httpx2.AsyncClient(base_url=system.admin) as admin:
        assert (await admin.get("/health")).json()["services"]["user"] == "serving"
        assert (await admin.get("/ready")).status_code == 200
        metrics = (await admin.get("/metrics")).text
    assert 'chat_rpc_server_seconds_count{code="OK",method="chat.user.v1.SessionService/Login"}' in metrics


async def test_the_pages_and_the_reference_are_served(start: Start) -> None:
    """With headers that keep browsers safe; there is nothing outside of the folder."""
    system: System = await start()
    client = await system.http()
    assert (await client.get("/")).headers["location"] == "/demo"
    for path in ("/demo", "/docs"):
        page = await client.get(path)
        assert page.status_code == 200
        assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "/api/messages" in (await client.get("/api/openapi.json")).json()["paths"]
    assert (await client.get("/web/../pyproject.toml")).status_code == 404
    assert (await client.get("/web/nothing.js")).json()["code"] == "ROUTE_NOT_FOUND"


async def test_the_development_routes(start: Start) -> None:
    """The seeded users, and the spans of a trace from the edge to the handler."""
    system: System = await start()
    client = await system.http("alice")
    assert (await client.get("/dev/seed")).json() == {"users": ["alice", "bob"], "password": system.password}
    trace_id = (await client.get("/api/users/me")).headers["x-trace-id"]
    spans = (await client.get(f"/dev/traces/{trace_id}")).json()["spans"]
    names = [span["name"] for span in spans]
    assert names.count("chat.user.v1.AccountService/GetMe") == 2
    assert "GET /api/users/me" in names
    assert (await client.get("/dev/traces/0")).json()["code"] == "TRACE_NOT_FOUND"


async def test_a_correlation_id_is_echoed(start: Start) -> None:
    """The caller's when it is sane, a new one otherwise."""
    system: System = await start()
    client = await system.http()
    given = await client.get("/api/users/keys", headers={"X-Correlation-Id": "order-7"})
    made = await client.get("/api/users/keys", headers={"X-Correlation-Id": "a b"})
    assert given.headers["x-correlation-id"] == "order-7"
    assert len(made.headers["x-correlation-id"]) == 36


async def test_strangers_reach_the_services_over_grpc(start: Start) -> None:
    """With a token, and with reflection and health for those who look around."""
    system: System = await start()
    alice = await system.http("alice")
    async with grpc.aio.insecure_channel(system.grpc[0]) as channel:
        metadata = (("authorization", alice.headers["Authorization"]),)
        me = await AccountServiceStub(channel).GetMe(GetMeRequest(), metadata=metadata)
        assert me.account.username == "alice"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await AccountServiceStub(channel).GetMe(GetMeRequest())
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("names", "environment", "code", "said"),
    [
        (["postman"], {}, 2, "There is no service 'postman'"),
        ([], {"CHAT_ENV": "testing"}, 2, "env"),
        ([], {"CHAT_HTTP": "0.0.0.0:0"}, 2, "CHAT_ENV=production"),
        ([], {"CHAT_ORIGINS": "https://*.example.com"}, 2, "CHAT_ORIGINS"),
        ([], {"CHAT_PUBLIC_URL": "chat.example.com"}, 2, "CHAT_PUBLIC_URL"),
        ([], {"CHAT_OIDC_PROVIDERS": '{{"corp": {{}}}}'}, 2, "corp.issuer"),
        ([], {"CHAT_SECRET": "too short"}, 2, "CHAT_SECRET"),
        ([], {"CHAT_SECRET_FILE": "/nowhere"}, 2, "CHAT_SECRET_FILE"),
        ([], {"CHAT_SMTP_URL": "http://mail.example.com"}, 2, "CHAT_SMTP_URL"),
        ([], {"CHAT_MAIL_FROM": "nobody in particular"}, 2, "CHAT_MAIL_FROM"),
        ([], {"CHAT_ENV": "production"}, 2, "CHAT_SECRET"),
        (["facade"], {}, 1, "CHAT_MESSAGE_ADDRESS"),
        ([], {"CHAT_HTTP": "127.0.0.1:{taken}"}, 1, "cannot listen"),
        ([], {"CHAT_GRPC": "127.0.0.1:{taken}"}, 1, "127.0.0.1"),
    ],
)
def test_a_bad_start_says_what_is_wrong(
    names: list[str],
    environment: dict[str, str],
    code: int,
    said: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line and an exit code, no traceback."""
    monkeypatch.setattr("cli.serve.configure_logs", lambda *_: None)  # It would outlive the captured stderr.
    monkeypatch.setenv("CHAT_DATA", str(tmp_path / "data"))
    for listener in ("HTTP", "GRPC", "ADMIN"):
        monkeypatch.setenv(f"CHAT_{listener}", "127.0.0.1:0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for name, value in environment.items():
            monkeypatch.setenv(name, value.format(taken=taken.getsockname()[1]))
        assert main(names) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@asynccontextmanager
async def with_a_message_service_to_restart(tmp_path: Path) -> AsyncIterator[tuple[System, Callable[..., Any], str]]:
    """A system whose message service is one of its own; what restarts it; and its address."""
    settings = Settings(data=tmp_path / "data", http=ANY, grpc=ANY, admin=ANY, limits="off")
    async with AsyncExitStack() as stack:
        user = await stack.enter_async_context(serving(settings, ["user"]))
        settings = settings.model_copy(update={"user_address": target(user)})
        first = AsyncExitStack()
        message = await first.enter_async_context(serving(settings, ["message"]))
        address = target(message)
        beside = settings.model_copy(update={"message_address": address})
        facade = await stack.enter_async_context(serving(beside, ["facade"]))

        async def stop_and_start(between: Callable[[], Any] | None = None) -> None:
            await first.aclose()
            if between:
                await between()
            again = settings.model_copy(update={"grpc": address.removeprefix("ipv4:")})
            await stack.enter_async_context(serving(again, ["message"]))

        yield System([user, message, facade], settings, stack), stop_and_start, address


async def test_sockets_survive_a_restart_of_the_message_service(tmp_path: Path) -> None:
    """They stay connected, are told what they missed meanwhile, and go on."""
    async with with_a_message_service_to_restart(tmp_path) as (system, restart, address):
        alice, bob = await system.http("alice"), await system.http("bob")
        conversation = await dm(alice, bob)
        device = await system.device(bob)
        await until(lambda: device.named("hello"))

        async def refused() -> None:
            answer = await device.client.call("typing", {"conversation_id": conversation})
            assert answer["problem"]["code"] == "UNAVAILABLE"

        await restart(refused)
        # A stranger may be the first to write, before the facade is attached again.
        async with grpc.aio.insecure_channel(address) as channel:
            request = SendMessageRequest(conversation_id=conversation, text="missed?")
            metadata = (("authorization", alice.headers["Authorization"]),)
            await MessageServiceStub(channel).SendMessage(request, metadata=metadata)
        await until(lambda: device.named("message-new"))
        await until(lambda: device.named("resumed"))
        await alice.post("/api/messages", json={"conversation_id": conversation, "text": "live"})
        await until(lambda: len(device.named("message-new")) == 2)
        assert [change["pos"] for change in device.named("message-new")] == [2, 3]


async def test_a_restart_during_a_replay_begins_it_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be left out: the socket is cut, and its client resumes from its own place."""
    started = asyncio.Event()

    async def never(*_: object) -> None:
        started.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("facade.resume.Resumer.replay", never)
    async with with_a_message_service_to_restart(tmp_path) as (system, restart, _):
        device = await system.device(await system.http("bob"), resume={"user_pos": 1})  # Not known to any frame here.
        await asyncio.wait_for(started.wait(), 10)
        await restart()
        await until(lambda: not device.client.connected)
        assert [name for name, _ in device.events] == ["hello", "resume-failed"]


async def test_who_leaves_during_a_replay_is_forgotten(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The logs that a socket followed are not opened again by the end of its replay."""
    carried, started, go_on, over = set[str](), asyncio.Event(), asyncio.Event(), asyncio.Event()
    opening, closing, replaying = Order.open, Order.close, Resumer.replay

    def opens(order: Order, log: str, number: int, *, is_user: bool = False) -> int:
        carried.add(log)
        return opening(order, log, number, is_user=is_user)

    def closes(order: Order, log: str) -> None:
        carried.discard(log)
        closing(order, log)

    async def replays(resumer: Resumer, *asked: Any) -> Any:
        started.set()
        await go_on.wait()
        try:
            return await replaying(resumer, *asked)
        finally:
            over.set()

    monkeypatch.setattr(Order, "open", opens)
    monkeypatch.setattr(Order, "close", closes)
    monkeypatch.setattr(Resumer, "replay", replays)
    system: System = await start()
    alice, bob = await system.http("alice"), await system.http("bob")
    place = {"user_pos": 1, "positions": {await dm(alice, bob): 0}}
    device = await system.device(bob, resume=place)
    await asyncio.wait_for(started.wait(), 10)
    assert carried
    await device.client.disconnect()
    await until(lambda: not carried)
    go_on.set()
    await asyncio.wait_for(over.wait(), 10)
    assert not carried


async def test_an_sqlite_file_serves_one_process(start: Start, tmp_path: Path) -> None:
    """A second one would miss what the first one writes: it is told which URLs to set."""
    await start()
    settings = Settings(data=tmp_path / "data", http=ANY, grpc=ANY, admin=ANY, limits="off")
    with pytest.raises(InUse, match="CHAT_SQL_URL"):
        async with serving(settings, ["user"]):
            pass


async def test_a_socket_ends_with_its_token(start: Start, tmp_path: Path) -> None:
    """The client is warned, then told, and does not stay. The key is one of an earlier version, which is taken over."""
    key, file = Ed25519PrivateKey.generate(), tmp_path / "data" / "keys" / "access-token.pem"
    file.parent.mkdir(parents=True)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    system: System = await start()
    assert not file.exists()
    alice = await system.http("alice")
    me = (await alice.get("/api/users/me")).json()["id"]
    now = int(time.time())
    principal = Principal(me, "session", "user", now + 3)
    token = sign(principal, issued_at=now, token_id="t", key=key, kid=to_jwk(key.public_key())["kid"])
    alice.headers["Authorization"] = f"Bearer {token}"
    device = await system.device(alice)
    await until(lambda: device.named("session-lost"))
    await until(lambda: not device.client.connected)
    assert [name for name, _ in device.events] == ["hello", "auth-expiring", "session-lost"]
    assert device.named("session-lost")[0]["code"] == "TOKEN_EXPIRED"


async def test_a_socket_that_is_not_read_is_cut(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its queue is bounded; the others go on."""
    monkeypatch.setattr("facade.engine.socket.MAX_QUEUED", 3)
    system: System = await start()
    alice, bob = await system.http("alice"), await system.http("bob")
    conversation = await dm(alice, bob)
    token = bob.headers["Authorization"].removeprefix("Bearer ")
    polling = await bob.get("/ws/", params={"EIO": "4", "transport": "polling"})
    slow = {"EIO": "4", "transport": "polling", "sid": orjson.loads(polling.text[1:])["sid"]}
    await bob.post("/ws/", params=slow, content="40" + orjson.dumps({"token": token}).decode())
    device = await system.device(alice)
    for number in range(6):
        await alice.post("/api/messages", json={"conversation_id": conversation, "text": str(number)})
    await until(lambda: len(device.named("message-new")) == 6)
    await until(lambda: device.named("message-new"))
    assert (await bob.get("/ws/", params=slow)).status_code == 400


@pytest.mark.parametrize("is_followed", [False, True], ids=["from the store", "from what is kept"])
async def test_what_was_missed_comes_as_fast_as_it_is_read(
    start: Start, monkeypatch: pytest.MonkeyPatch, is_followed: bool
) -> None:
    """More than may wait for a socket is told in turns, and what happens meanwhile after it: nobody is sent away."""
    monkeypatch.setattr("facade.engine.socket.MAX_QUEUED", 6)
    system: System = await start()
    alice, bob = await system.http("alice"), await system.http("bob")
    conversation = await dm(alice, bob)
    if is_followed:
        device = await system.device(alice)
        await until(lambda: device.named("hello"))
    texts = [str(number) for number in range(20)]
    for text in texts:
        await alice.post("/api/messages", json={"conversation_id": conversation, "text": text})
    polling = await bob.get("/ws/", params={"EIO": "4", "transport": "polling"})
    params = {"EIO": "4", "transport": "polling", "sid": orjson.loads(polling.text[1:])["sid"]}
    token = bob.headers["Authorization"].removeprefix("Bearer ")
    place = {"user_pos": 1, "positions": {conversation: 1}}
    await bob.post("/ws/", params=params, content="40" + orjson.dumps({"token": token, "resume": place}).decode())
    heard, turns, is_told = list[Any](), 0, False
    async with asyncio.timeout(10):
        while len(heard) < 23:
            packets = (await bob.get("/ws/", params=params)).text.split("\x1e")
            heard += [orjson.loads(packet[2:]) for packet in packets if packet.startswith("42")]
            turns += 1
            if len(heard) > 1 and not is_told:  # What is missed is known by now, and not yet told.
                await alice.post("/api/messages", json={"conversation_id": conversation, "text": "live"})
                is_told = True
    assert [name for name, _ in heard] == ["hello", *["message-new"] * 20, "resumed", "message-new"]
    assert [data["data"]["message"]["text"] for name, data in heard if name == "message-new"] == [*texts, "live"]
    assert turns > 4


async def test_a_draining_server_says_so(tmp_path: Path) -> None:
    """Sockets and streams are told that another server takes over, and the process ends at once."""
    async with AsyncExitStack() as clients:
        async with serving(Settings(data=tmp_path / "data", http=ANY, grpc=ANY, admin=ANY), EVERYTHING) as banner:
            system = System([banner], Settings(data=tmp_path / "data"), clients)
            alice = await system.http("alice")
            device = await system.device(alice)
            await until(lambda: device.named("hello"))
            feed = asyncio.create_task(alice.post("/api/messages/feed", json={}, timeout=30))
            await asyncio.sleep(0.1)
            stopped_at = time.monotonic()
        assert time.monotonic() - stopped_at < 5
        await until(lambda: not device.client.connected)
        [told] = device.named("server-draining")
        assert 200 <= told["reconnect_after_ms"] <= 1000
        assert '"code":"DRAINING"' in (await feed).text


@pytest.mark.parametrize("packet", ["", '40{"token":"bad"}'], ids=["silent", "refused"])
async def test_a_socket_for_nobody_is_closed(start: Start, monkeypatch: pytest.MonkeyPatch, packet: str) -> None:
    """One that never says who it is for, or was refused, does not stay for as long as it answers pings."""
    monkeypatch.setattr("facade.engine.server.CONNECT_TIMEOUT_S", 0.2)
    system: System = await start()
    address = system.url.replace("http", "ws") + "/ws/?EIO=4&transport=websocket"
    async with connect(address) as websocket:
        assert (await websocket.recv())[0] == "0"
        if packet:
            await websocket.send(packet)
        async with asyncio.timeout(10):
            await websocket.wait_closed()

"""Who calls, and until when: in one mesh and in several, over REST, gRPC, feeds and sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import httpx2
import jwt
import pytest
import socketio
from typer.testing import CliRunner, Result

from chat.message.v1 import feed_service_pb2 as feed_pb
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from chat.user.v1.account_service_pb2 import GetMeRequest
from chat.user.v1.account_service_pb2_grpc import AccountServiceStub
from cli.main import app
from mesh.call.status import from_rpc_error
from tests.integration.conftest import Device, Start, System, connect_socket

KEYS, BOTS, SESSIONS = "/api/users/me/api-keys", "/api/users/bots", "/api/users/me/sessions"
GROUP = {"type": "group", "name": "lobby"}


@pytest.fixture(params=[False, True], ids=["together", "apart"])
async def system(start: Start, request: pytest.FixtureRequest) -> System:
    running: System = await start(apart=request.param)
    return running


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def refused(http: httpx2.AsyncClient) -> str:
    """Waits until REST refuses the client; why."""
    async with asyncio.timeout(10):
        while (answer := await http.get("/api/users/me")).status_code == 200:
            await asyncio.sleep(0.005)
    return str(answer.json()["code"])


async def to_the_end(stream: AsyncIterator[Any]) -> None:
    async for _ in stream:
        pass


async def with_token(system: System, token: str) -> httpx2.AsyncClient:
    http = await system.http()
    http.headers["Authorization"] = f"Bearer {token}"
    return http


def token_of(http: httpx2.AsyncClient) -> str:
    return str(http.headers["Authorization"]).removeprefix("Bearer ")


async def session_id(http: httpx2.AsyncClient) -> str:
    return next(str(one["id"]) for one in (await http.get(SESSIONS)).json()["items"] if one["is_current"])


async def test_a_session_that_is_revoked_ends_on_every_surface(system: System) -> None:
    """REST, gRPC, an open stream, an open feed and a socket; the other session of the user stays on all of them."""
    phone, laptop = await system.http("alice"), await system.http("alice")
    device, other = await system.device(laptop), await system.device(phone)
    feed = asyncio.create_task(laptop.post("/api/messages/feed", json={}, timeout=30))
    metadata = [("authorization", laptop.headers["Authorization"])]
    async with grpc.aio.insecure_channel(system.grpc[1 % len(system.grpc)]) as channel:
        call = FeedServiceStub(channel).Subscribe(feed_pb.SubscribeRequest(), metadata=metadata)
        stream = aiter(call)
        assert (await anext(stream)).HasField("ready")
        await until(lambda: device.named("hello") and other.named("hello"))
        gone = await phone.delete(f"{SESSIONS}/{await session_id(laptop)}")
        assert gone.status_code == 204
        assert await refused(laptop) == "SESSION_REVOKED"
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await asyncio.wait_for(to_the_end(stream), 10)
        assert from_rpc_error(ended.value).reason == "SESSION_REVOKED"
        assert '"code":"SESSION_REVOKED"' in (await feed).text
        await until(lambda: device.named("session-revoked") and not device.client.connected)
    async with grpc.aio.insecure_channel(system.grpc[0]) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await AccountServiceStub(channel).GetMe(GetMeRequest(), metadata=metadata)
    assert from_rpc_error(refusal.value).reason == "SESSION_REVOKED"
    assert (await phone.get("/api/users/me")).status_code == 200
    assert other.client.connected


async def test_logging_out_ends_the_session(system: System) -> None:
    """Its tokens of both kinds, within moments; another log-in goes on."""
    http = await system.http()
    login = {"username": "alice", "password": system.password}
    opened = (await http.post("/api/users/login", json=login)).json()
    laptop = await with_token(system, opened["access_token"])
    assert (await laptop.post("/api/users/logout", json={})).status_code == 204
    assert await refused(laptop) == "SESSION_REVOKED"
    again = await http.post("/api/users/token/refresh", json={"refresh_token": opened["refresh_token"]})
    assert (again.status_code, again.json()["code"]) == (401, "REFRESH_TOKEN_INVALID")


async def test_a_user_sees_and_ends_sessions(system: System) -> None:
    """Page by page, with the present one marked; all but the present one; those of others do not exist."""
    http = await system.http("alice")
    others = [await system.http("alice") for _ in range(4)]
    bob = await system.http("bob")
    first = (await http.get(SESSIONS, params={"limit": 3})).json()
    rest = (await http.get(SESSIONS, params={"limit": 3, "cursor": first["page"]["next_cursor"]})).json()
    listed = first["items"] + rest["items"]
    assert [one["is_current"] for one in listed] == [False] * 4 + [True]
    assert [one["id"] for one in listed] == sorted((one["id"] for one in listed), reverse=True)
    assert {one["address"] for one in listed} == {"127.0.0.1"}
    foreign = await bob.delete(f"{SESSIONS}/{listed[0]['id']}")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "SESSION_NOT_FOUND")
    ended = await http.post(f"{SESSIONS}:revokeAll", json={"keep_current": True})
    assert ended.json() == {"revoked": 4}
    for other in others:
        assert await refused(other) == "SESSION_REVOKED"
    assert [one["id"] for one in (await http.get(SESSIONS)).json()["items"]] == [listed[-1]["id"]]
    assert (await http.post(f"{SESSIONS}:revokeAll", json={})).json() == {"revoked": 1}
    assert await refused(http) == "SESSION_REVOKED"
    assert (await bob.get("/api/users/me")).status_code == 200


async def test_a_refresh_token_that_is_used_again_ends_the_session(system: System) -> None:
    """Its access tokens too, which the thief may have."""
    http = await system.http()
    login = {"username": "alice", "password": system.password}
    opened = (await http.post("/api/users/login", json=login)).json()

    async def refresh(token: str) -> httpx2.Response:
        return await http.post("/api/users/token/refresh", json={"refresh_token": token})

    second = (await refresh(opened["refresh_token"])).json()
    await refresh(second["refresh_token"])
    assert (await refresh(opened["refresh_token"])).json()["code"] == "REFRESH_TOKEN_REUSED"
    for token in (opened["access_token"], second["access_token"]):
        assert await refused(await with_token(system, token)) == "SESSION_REVOKED"


async def test_a_program_acts_by_its_key(system: System) -> None:
    """On every surface, within its scopes, until it is revoked."""
    alice = await system.http("alice")
    made = await alice.post(KEYS, json={"name": "script", "scopes": ["user:read", "message:read", "message:write"]})
    assert made.status_code == 201
    assert len(made.json()["secret"]) == 46
    script = await with_token(system, made.json()["secret"])
    me = (await alice.get("/api/users/me")).json()["id"]
    assert (await script.get("/api/users/me")).json()["id"] == me
    group = (await script.post("/api/messages/conversations", json=GROUP)).json()["id"]
    device = await system.device(script)
    await until(lambda: device.named("hello"))
    sent = await device.client.call("send-message", {"conversation_id": group, "text": "by a key"})
    assert sent["data"]["sender"]["id"] == me
    for refusal, code in (
        (await script.put("/api/users/me/status", json={"text": "away"}), "SCOPE_MISSING"),
        (await script.get(KEYS), "SESSION_ONLY"),
        (await script.post(KEYS, json={"name": "more", "scopes": ["user:read"]}), "SESSION_ONLY"),
        (await script.post("/api/users/ws-ticket", json={}), "SESSION_ONLY"),
    ):
        assert (refusal.status_code, refusal.json()["code"]) == (403, code)
    (listed,) = (await alice.get(KEYS)).json()["items"]
    assert listed["last_used_at"]
    assert "secret" not in listed
    assert (await alice.delete(f"{KEYS}/{listed['id']}")).status_code == 204
    await until(lambda: device.named("session-revoked") and not device.client.connected)
    assert await refused(script) in ("SESSION_REVOKED", "TOKEN_INVALID")
    assert (await alice.get(KEYS)).json()["items"] == []


async def test_scopes_are_for_what_a_program_calls(system: System) -> None:
    """Not for what is called in turn to serve it; nobody but a process of the installation can say that it is."""
    alice, bob = await system.http("alice"), await system.http("bob")
    made = await alice.post(KEYS, json={"name": "messages", "scopes": ["message:read", "message:write"]})
    script = await with_token(system, made.json()["secret"])
    other = (await bob.get("/api/users/me")).json()["id"]
    group = await script.post("/api/messages/conversations", json={**GROUP, "member_ids": [other]})
    assert group.status_code == 201
    assert "Bob Rivera" in {member["user"]["full_name"] for member in group.json()["members"]}
    lied = {"x-mesh-nested": "1", "x-mesh-proof": "1.1"}
    answer = await script.get("/api/users/me", headers=lied)
    assert answer.json()["code"] == "SCOPE_MISSING"
    metadata = [("authorization", script.headers["Authorization"]), *lied.items()]
    async with grpc.aio.insecure_channel(system.grpc[0]) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await AccountServiceStub(channel).GetMe(GetMeRequest(), metadata=metadata)
    assert from_rpc_error(refusal.value).reason == "SCOPE_MISSING"


async def test_keys_are_named_by_their_owner_alone(system: System) -> None:
    """Those of others do not exist; scopes are from the list; an end lies ahead."""
    alice, bob = await system.http("alice"), await system.http("bob")
    made = (await alice.post(KEYS, json={"name": "mine", "scopes": ["user:read"]})).json()["api_key"]
    foreign = await bob.delete(f"{KEYS}/{made['id']}")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "API_KEY_NOT_FOUND")
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    for wrong in (
        {"name": "", "scopes": ["user:read"]},
        {"name": "none", "scopes": []},
        {"name": "unknown", "scopes": ["user:everything"]},
        {"name": "twice", "scopes": ["user:read", "user:read"]},
        {"name": "late", "scopes": ["user:read"], "expires_at": past},
    ):
        assert (await alice.post(KEYS, json=wrong)).status_code == 400
    soon = datetime.now(UTC) + timedelta(seconds=1)
    body = {"name": "short", "scopes": ["user:read"], "expires_at": soon.isoformat()}
    short = await with_token(system, (await alice.post(KEYS, json=body)).json()["secret"])
    assert await refused(short) == "TOKEN_INVALID"


async def test_a_bot_is_a_user_of_its_owner(system: System) -> None:
    """It writes by its key, is seen as a bot, and goes with all its keys when it is deleted."""
    alice, bob = await system.http("alice"), await system.http("bob")
    made = await alice.post(BOTS, json={"username": "Robot", "full_name": "Robby"})
    bot = made.json()
    assert (made.status_code, bot["username"], bot["full_name"], bot["kind"]) == (201, "robot", "Robby", "bot")
    assert made.headers["location"] == f"/api/users/{bot['id']}"
    assert (await alice.post(BOTS, json={"username": "robot"})).json()["code"] == "USERNAME_TAKEN"
    keys = f"{BOTS}/{bot['id']}/api-keys"
    scopes = {"name": "main", "scopes": ["user:read", "message:read", "message:write"]}
    key = (await alice.post(keys, json=scopes)).json()
    robot = await with_token(system, key["secret"])
    bob_id = (await bob.get("/api/users/me")).json()["id"]
    members = {"type": "dm", "member_ids": [bob_id]}
    conversation = (await robot.post("/api/messages/conversations", json=members)).json()["id"]
    device = await system.device(bob)
    await until(lambda: device.named("hello"))
    await robot.post("/api/messages", json={"conversation_id": conversation, "text": "beep"})
    await until(lambda: device.named("message-new"))
    assert device.named("message-new")[0]["data"]["message"]["sender"]["kind"] == "bot"
    for foreign in (
        await bob.post(keys, json=scopes),
        await bob.get(keys),
        await bob.delete(f"{keys}/{key['api_key']['id']}"),
        await bob.delete(f"{BOTS}/{bot['id']}"),
        await bob.get(f"{BOTS}/{bob_id}/api-keys"),
    ):
        assert (foreign.status_code, foreign.json()["code"]) == (404, "USER_NOT_FOUND")
    assert [one["username"] for one in (await alice.get("/api/users/me/bots")).json()["items"]] == ["robot"]
    assert [one["name"] for one in (await alice.get(keys)).json()["items"]] == ["main"]
    second = (await alice.post(keys, json={**scopes, "name": "second"})).json()
    assert (await alice.delete(f"{keys}/{second['api_key']['id']}")).status_code == 204
    assert (await alice.delete(f"{BOTS}/{bot['id']}")).status_code == 204
    assert await refused(robot) in ("SESSION_REVOKED", "TOKEN_INVALID")
    assert (await alice.get("/api/users/me/bots")).json()["items"] == []
    assert (await alice.post(BOTS, json={"username": "robot"})).status_code == 201


async def test_nobody_logs_in_as_a_bot(system: System) -> None:
    """It has no password that could fit."""
    alice = await system.http("alice")
    await alice.post(BOTS, json={"username": "robot"})
    for password in ("x", "robot", " "):
        answer = await alice.post("/api/users/login", json={"username": "robot", "password": password})
        assert answer.json()["code"] == "INVALID_CREDENTIALS"


async def test_a_ticket_opens_one_socket(system: System) -> None:
    """In place of the token, once; and none opens what has ended."""
    alice, refusals = await system.http("alice"), list[str]()

    async def ticket() -> str:
        made = await alice.post("/api/users/ws-ticket", json={})
        assert (made.status_code, made.json()["expires_in"]) == (201, 30)
        return str(made.json()["ticket"])

    async def open_with(secret: str) -> Device:
        device = Device(socketio.AsyncClient(reconnection=False))
        device.client.on("*", lambda event, *data: device.events.append((event, data[0] if data else None)))
        device.client.on("connect_error", lambda said: refusals.append(said["data"]["code"]))
        system.at_end(device.client.disconnect)
        await connect_socket(device.client, system.url, {"ticket": secret})
        return device

    first = await ticket()
    device = await open_with(first)
    await until(lambda: device.named("hello"))
    assert device.named("hello")[0]["session_id"] == await session_id(alice)
    unused = await ticket()
    await alice.post("/api/users/logout", json={})
    await until(lambda: device.named("session-revoked"))
    for secret in (first, unused, "made-up"):
        with pytest.raises(socketio.exceptions.ConnectionError):
            await open_with(secret)
    assert refusals == ["TICKET_INVALID"] * 3


async def test_keys_rotate_without_anybody_noticing(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator asks for it; the new key is told of at once, and the old one still verifies."""
    alice = await system.http("alice")
    before = (await alice.get("/.well-known/jwks.json")).json()["keys"]
    monkeypatch.setenv("CHAT_DATA", str(system.data))
    monkeypatch.setenv("CHAT_USER_ADDRESS", system.grpc[0])
    result: Result = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["keys", "rotate"]))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].endswith("signs in 60 s")
    answer = await alice.get("/.well-known/jwks.json")
    after = answer.json()["keys"]
    assert answer.headers["cache-control"] == "public, max-age=30"
    assert after == (await alice.get("/api/users/keys")).json()["keys"]
    assert [key["kid"] for key in after][:1] == [key["kid"] for key in before]
    assert after[1]["kid"] in result.output
    again = await system.http("alice")
    assert jwt.get_unverified_header(token_of(again))["kid"] == before[0]["kid"]
    assert (await again.get("/api/users/me")).status_code == 200


async def test_only_the_mesh_looks_behind_keys_and_tickets(system: System) -> None:
    """Whoever has a token, or none, is told that it is not for them."""
    from chat.user.v1 import api_key_service_pb2, key_service_pb2, revocation_service_pb2, session_service_pb2
    from chat.user.v1.api_key_service_pb2_grpc import ApiKeyServiceStub
    from chat.user.v1.key_service_pb2_grpc import KeyServiceStub
    from chat.user.v1.revocation_service_pb2_grpc import RevocationServiceStub
    from chat.user.v1.session_service_pb2_grpc import SessionServiceStub

    alice = await system.http("alice")
    metadata = [("authorization", alice.headers["Authorization"])]
    async with grpc.aio.insecure_channel(system.grpc[0]) as channel:
        calls = (
            ApiKeyServiceStub(channel).IntrospectKey(
                api_key_service_pb2.IntrospectKeyRequest(hash=bytes(32)), metadata=metadata
            ),
            KeyServiceStub(channel).RotateKeys(key_service_pb2.RotateKeysRequest(), metadata=metadata),
            SessionServiceStub(channel).RedeemTicket(
                session_service_pb2.RedeemTicketRequest(ticket="t"), metadata=metadata
            ),
            RevocationServiceStub(channel).GetRevocations(
                revocation_service_pb2.GetRevocationsRequest(), metadata=metadata
            ),
            RevocationServiceStub(channel)
            .WatchRevocations(revocation_service_pb2.WatchRevocationsRequest(), metadata=metadata)
            .read(),
        )
        for call in calls:
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await call
            assert from_rpc_error(refusal.value).reason == "MESH_ONLY"

"""Repeated calls and the audit logs, in one mesh and in several."""

import asyncio

import grpc
import httpx2
import pytest
from typer.testing import CliRunner, Result

from chat.message.v1.conversation_pb2 import CONVERSATION_TYPE_GROUP
from chat.message.v1.conversation_service_pb2 import CreateConversationRequest
from chat.message.v1.conversation_service_pb2_grpc import ConversationServiceStub
from cli.main import app
from tests.integration.conftest import Start, System

GROUP = {"type": "group", "name": "lobby"}


@pytest.fixture(params=[False, True], ids=["together", "apart"])
async def system(start: Start, request: pytest.FixtureRequest) -> System:
    running: System = await start(apart=request.param)
    return running


async def made(client: httpx2.AsyncClient, key: str, **about: str) -> httpx2.Response:
    return await client.post("/api/messages/conversations", json={**GROUP, **about}, headers={"Idempotency-Key": key})


async def test_a_repeated_request_has_one_effect(system: System) -> None:
    """Ten at once make one conversation; all but one say that they are replays, and another request is refused."""
    alice = await system.http("alice")
    answers = await asyncio.gather(*[made(alice, "k-1") for _ in range(10)])
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.headers.get("idempotent-replayed", "") for answer in answers) == [""] + ["true"] * 9
    assert len((await alice.get("/api/messages/conversations")).json()["items"]) == 1
    conflict = await made(alice, "k-1", name="another")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "IDEMPOTENCY_KEY_CONFLICT")


async def test_a_refusal_is_repeated(system: System) -> None:
    """With the same words, and as a replay."""
    anybody = await system.http()
    account = {"username": "alice", "email": "a@example.com", "password": "correct horse battery"}
    first, second = [
        await anybody.post("/api/users/register", json=account, headers={"Idempotency-Key": "k-2"}) for _ in range(2)
    ]
    assert (first.status_code, first.json()["code"]) == (409, "USERNAME_TAKEN")
    assert second.json()["detail"] == first.json()["detail"]
    assert [answer.headers.get("idempotent-replayed") for answer in (first, second)] == [None, "true"]


async def test_callers_of_grpc_have_keys_too(system: System) -> None:
    """By metadata, and the same key at REST is the same call."""
    alice = await system.http("alice")
    target = system.grpc[1 % len(system.grpc)]
    request = CreateConversationRequest(type=CONVERSATION_TYPE_GROUP, name="lobby")
    metadata = [("authorization", alice.headers["Authorization"]), ("idempotency-key", "k-3")]
    async with grpc.aio.insecure_channel(target) as channel:
        calls = [ConversationServiceStub(channel).CreateConversation(request, metadata=metadata) for _ in range(5)]
        responses = await asyncio.gather(*calls)
        told = [("idempotent-replayed", "true") in tuple(await call.trailing_metadata()) for call in calls]
    assert len({response.conversation.id for response in responses}) == 1
    assert sorted(told) == [False] + [True] * 4
    assert (await made(alice, "k-3")).json()["id"] == responses[0].conversation.id


async def test_the_operator_verifies_what_was_noted(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log-ins by the user service, memberships by the message service."""
    alice, bob = await system.http("alice"), await system.http("bob")
    other = (await bob.get("/api/users/me")).json()["id"]
    await alice.post("/api/messages/conversations", json={**GROUP, "member_ids": [other]})
    monkeypatch.setenv("CHAT_DATA", str(system.data))
    monkeypatch.setenv("CHAT_USER_ADDRESS", system.grpc[0])
    monkeypatch.setenv("CHAT_MESSAGE_ADDRESS", system.grpc[1 % len(system.grpc)])
    result: Result = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["audit", "verify"]))
    assert result.exit_code == 0, result.output
    *_, user, message = result.output.splitlines()  # The log of the system comes before.
    assert user.endswith("entries checked, as written")
    assert int(user.split()[1]) >= 2
    assert message == "message  1 entries checked, as written"

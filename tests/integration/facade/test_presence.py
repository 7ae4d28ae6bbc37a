"""Presence on sockets: who is told of whom, and what is answered."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from cli.serve import FACADE, serving
from mesh.settings import Settings
from tests.integration.conftest import ANY, Device, Start, System, target

WITHIN_S = 20


async def told(device: Device, event: str, **expected: Any) -> dict[str, Any]:
    """The first event of its kind that says what is expected."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            for data in device.named(event):
                if expected.items() <= data.items():
                    return dict(data)
            await asyncio.sleep(0.01)


async def id_of(http: httpx2.AsyncClient) -> str:
    return str((await http.get("/api/users/me")).json()["id"])


@pytest.mark.parametrize("apart", [False, True])
async def test_who_subscribes_is_told_when_somebody_comes_and_goes(start: Start, apart: bool) -> None:
    """By other sockets and other processes; over REST it is the same."""
    system = await start(apart=apart)
    alice, bob = await system.http("alice"), await system.http("bob")
    alice_id, bob_id = await id_of(alice), await id_of(bob)
    device = await system.device(alice)
    answer = await device.client.call("subscribe", {"presence": [bob_id, alice_id]})
    assert answer["ok"], answer
    first, own = answer["data"]["items"]
    assert (first["user_id"], first["state"]) == (bob_id, "offline")
    assert (own["user_id"], own["state"]) in ((alice_id, "online"), (alice_id, "offline"))
    other = await system.device(bob)
    online = await told(device, "user-online", user_id=bob_id)
    assert set(online) == {"user_id", "ts"}
    update = await told(device, "presence-update", user_id=bob_id, state="online")
    assert "devices" not in update
    assert (await alice.get(f"/api/presence/{bob_id}")).json()["state"] == "online"
    answer = await other.client.call("presence-update", {"status": "busy", "message": "no"})
    assert (answer["data"]["state"], answer["data"]["status"]) == ("busy", "busy")
    await told(device, "presence-update", user_id=bob_id, state="busy", message="no")
    await other.client.disconnect()
    gone = await told(device, "presence-update", user_id=bob_id, state="offline")
    assert gone["last_seen"]
    assert len(device.named("user-online")) <= 2
    assert [data["user_id"] for data in device.named("user-online")].count(bob_id) == 1


async def test_who_subscribes_to_a_conversation_is_told_of_its_members(start: Start) -> None:
    """As far as it is one of theirs; and until they unsubscribe."""
    system = await start()
    alice, bob = await system.http("alice"), await system.http("bob")
    bob_id = await id_of(bob)
    new = {"type": "dm", "member_ids": [bob_id]}
    conversation_id = (await alice.post("/api/messages/conversations", json=new)).json()["id"]
    device = await system.device(alice)
    answer = await device.client.call("subscribe", {"conversation_ids": [conversation_id]})
    assert {item["user_id"] for item in answer["data"]["items"]} == {bob_id, await id_of(alice)}
    assert answer["data"]["conversations"] == [{"conversation_id": conversation_id, "truncated": False}]
    first = await system.device(bob)
    await told(device, "user-online", user_id=bob_id)
    there = (await alice.get(f"/api/presence/conversations/{conversation_id}")).json()
    assert {item["user_id"] for item in there["items"]} == {bob_id, await id_of(alice)}
    assert (await device.client.call("unsubscribe", {"conversation_ids": [conversation_id]}))["ok"]
    device.events.clear()
    answer = await device.client.call("subscribe", {"presence": [await id_of(alice)]})
    await first.client.call("presence-update", {"status": "away"})
    await device.client.call("presence-update", {"message": "hello"})
    await told(device, "presence-update", message="hello")
    assert {data["user_id"] for data in device.named("presence-update")} == {await id_of(alice)}
    refused = await device.client.call("subscribe", {"conversation_ids": [str(uuid4())]})
    assert refused["problem"]["code"] == "CONVERSATION_NOT_FOUND"


async def test_a_device_may_be_left_alone(start: Start) -> None:
    """The user is away when all of theirs are."""
    system = await start()
    alice, bob = await system.http("alice"), await system.http("bob")
    bob_id, device = await id_of(bob), await system.device(await system.http("alice"))
    await device.client.call("subscribe", {"presence": [bob_id]})
    theirs = await system.device(bob)
    await told(device, "presence-update", user_id=bob_id, state="online")
    assert (await theirs.client.call("user-online", {"away": True}))["ok"]
    await told(device, "presence-update", user_id=bob_id, state="away")
    device.events.clear()
    assert (await theirs.client.call("user-online"))["ok"]
    await told(device, "presence-update", user_id=bob_id, state="online")
    assert device.named("user-online") == []
    assert (await alice.get("/api/presence/me")).json()["devices"] == 1


async def test_what_makes_no_sense_is_refused(start: Start) -> None:
    """Each for itself."""
    system = await start()
    device = await system.device(await system.http("alice"))
    many = [str(uuid4()) for _ in range(1001)]
    for event, data in [
        ("subscribe", {"presence": "x"}),
        ("subscribe", {"presence": ["x"]}),
        ("subscribe", {"presence": [1]}),
        ("subscribe", {"presence": many}),
        ("subscribe", {"conversation_ids": many[:21]}),
        ("subscribe", []),
        ("unsubscribe", "x"),
        ("user-online", {"away": "yes"}),
        ("presence-update", {"status": "asleep"}),
        ("presence-update", {"message": "x" * 141}),
    ]:
        answer = await device.client.call(event, data)
        assert (answer["ok"], answer["problem"]["code"]) == (False, "INVALID_REQUEST"), (event, data)


async def test_a_socket_hears_of_so_many_and_no_more(start: Start) -> None:
    """Until it takes some back."""
    system = await start()
    device = await system.device(await system.http("alice"))
    many = [str(uuid4()) for _ in range(1000)]
    answer = await device.client.call("subscribe", {"presence": many})
    assert len(answer["data"]["items"]) == 1000
    refused = await device.client.call("subscribe", {"presence": [str(uuid4())]})
    assert refused["problem"]["code"] == "QUOTA_REACHED"
    assert (await device.client.call("unsubscribe", {"presence": many[:1]}))["ok"]
    assert (await device.client.call("subscribe", {"presence": [str(uuid4())]}))["ok"]


async def test_a_redis_that_is_not_there_makes_everybody_unknown(start: Start) -> None:
    """Sockets connect and speak as ever."""
    system = await start(presence_url="redis://127.0.0.1:1/0", limits_url="")
    alice = await system.http("alice")
    device = await system.device(alice)
    bob_id = await id_of(await system.http("bob"))
    answer = await device.client.call("subscribe", {"presence": [bob_id]})
    assert [item["state"] for item in answer["data"]["items"]] == ["unknown"]
    assert (await alice.get(f"/api/presence/{bob_id}")).json()["state"] == "unknown"
    assert (await device.client.call("user-online"))["ok"]
    refused = await device.client.call("presence-update", {"status": "busy"})
    assert refused["problem"]["code"] == "UNAVAILABLE"


async def test_an_installation_without_presence_does_everything_else(tmp_path: Path) -> None:
    """What is asked about presence says so."""
    async with AsyncExitStack() as stack:
        settings = Settings(data=tmp_path / "data", http=ANY, grpc=ANY, admin=ANY, limits="off")
        user = await stack.enter_async_context(serving(settings, ["user"]))
        settings = settings.model_copy(update={"user_address": target(user)})
        message = await stack.enter_async_context(serving(settings, ["message"]))
        settings = settings.model_copy(update={"message_address": target(message)})
        facade = await stack.enter_async_context(serving(settings, [FACADE]))
        system = System([user, message, facade], settings, stack)
        alice = await system.http("alice")
        device = await system.device(alice)
        assert (await alice.get("/api/users/me")).status_code == 200
        asked = await alice.get("/api/presence/me")
        assert (asked.status_code, asked.json()["code"]) == (503, "UNAVAILABLE")
        for event in ("subscribe", "unsubscribe", "user-online", "presence-update"):
            answer = await device.client.call(event, {})
            assert (answer["ok"], answer["problem"]["code"]) == (False, "UNAVAILABLE"), event
        await device.client.disconnect()

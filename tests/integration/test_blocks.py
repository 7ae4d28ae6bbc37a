"""A block, from the user service to the messages of two people."""

import asyncio
from typing import Any

import httpx2

from tests.integration.conftest import Start


async def settled(http: httpx2.AsyncClient, conversation_id: str, status: int) -> dict[str, Any]:
    """Writes until it is answered with a status: events take a moment."""
    async with asyncio.timeout(10):
        while True:
            sent = await http.post("/api/messages", json={"conversation_id": conversation_id, "text": "hi"})
            if sent.status_code == status:
                body: dict[str, Any] = sent.json()
                return body
            await asyncio.sleep(0.05)


async def test_a_block_ends_what_two_write_to_each_other(start: Start) -> None:
    """For both of them, and until it is taken back; a group that both are in goes on."""
    system = await start()
    alice, bob = await system.http("alice"), await system.http("bob")
    ids = {name: (await http.get("/api/users/me")).json()["id"] for name, http in (("alice", alice), ("bob", bob))}
    new = {"type": "dm", "member_ids": [ids["bob"]]}
    dm = (await alice.post("/api/messages/conversations", json=new)).json()["id"]
    new = {"type": "group", "name": "crew", "member_ids": [ids["bob"]]}
    group = (await alice.post("/api/messages/conversations", json=new)).json()["id"]
    await settled(bob, dm, 201)
    (await alice.post(f"/api/users/{ids['bob']}/block")).raise_for_status()
    refused = [await settled(http, dm, 403) for http in (bob, alice)]
    assert [body["code"] for body in refused] == ["CONTACT_REFUSED"] * 2
    await settled(bob, group, 201)
    (await alice.delete(f"/api/users/{ids['bob']}/block")).raise_for_status()
    await settled(bob, dm, 201)

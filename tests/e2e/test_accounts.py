"""The life of an account as its owner lives it, over REST."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import httpx2

from tests.e2e.clients import PASSWORD, WITHIN_S, Clients
from tests.e2e.conftest import Server

NEW_PASSWORD = "purple monday lamp"


async def call(clients: Clients, method: str, path: str, token: str = "", **options: Any) -> httpx2.Response:
    headers = {**options.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    return await clients.rest.request(method, f"/api/users{path}", headers=headers, **options)


async def link(clients: Clients, to: str, page: str) -> str:
    """The token of the link to a page in the newest mail to somebody, once it is there."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            for mail in (await clients.rest.get("/dev/outbox.json")).json()["items"]:
                found = re.search(rf"/account/{page}#token=([\w-]+)", mail["text"])
                if mail["to"] == to and found:
                    return found[1]
            await asyncio.sleep(0.02)


async def login(clients: Clients, name: str, password: str) -> httpx2.Response:
    return await call(clients, "POST", "/login", json={"username": name, "password": password})


async def test_from_the_first_day_to_the_last(server: Server, clients: Clients) -> None:
    """Registered, proven, changed, forgotten and found again, exported, erased; each with the status it has."""
    name = f"anna-{uuid4().hex[:12]}"
    email = f"{name}@example.com"
    new = {"username": name, "email": email, "password": PASSWORD}
    registered = await call(clients, "POST", "/register", json=new)
    assert registered.status_code == 201
    assert registered.headers["Location"] == f"/api/users/{registered.json()['id']}"
    proving = {"token": await link(clients, email, "verify")}
    assert (await call(clients, "POST", "/verify-email", json=proving)).status_code == 204
    assert (await call(clients, "POST", "/verify-email", json=proving)).json()["code"] == "LINK_INVALID"
    token = (await login(clients, name, PASSWORD)).json()["access_token"]

    seen = await call(clients, "GET", "/me", token)
    assert seen.json()["is_verified"]
    changed = await call(
        clients, "PATCH", "/me", token, json={"bio": "hello"}, headers={"If-Match": seen.headers["ETag"]}
    )
    assert (changed.status_code, changed.json()["bio"]) == (200, "hello")
    stale = await call(clients, "PATCH", "/me", token, json={"bio": "x"}, headers={"If-Match": seen.headers["ETag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "ETAG_MISMATCH")
    status = await call(clients, "PUT", "/me/status", token, json={"text": "away", "emoji": "🍜"})
    assert status.json()["status"]["emoji"] == "🍜"
    found = await call(clients, "GET", "", token, params={"q": name.upper()})
    assert [user["username"] for user in found.json()["items"]] == [name]
    assert email not in found.text

    assert (await call(clients, "POST", "/password/forgot", json={"email": email})).status_code == 202
    resetting = {"token": await link(clients, email, "reset"), "new_password": NEW_PASSWORD}
    assert (await call(clients, "POST", "/password/reset", json=resetting)).status_code == 204
    assert (await login(clients, name, PASSWORD)).status_code == 401
    token = (await login(clients, name, NEW_PASSWORD)).json()["access_token"]

    export = (await call(clients, "GET", "/me/export", token)).json()
    assert (export["account"]["email"], export["account"]["bio"]) == (email, "hello")
    assert [activity["action"] for activity in export["activities"]][:3] == [
        "user.registered",
        "email.verified",
        "session.opened",
    ]
    assert (await call(clients, "POST", "/me:erase", token, json={"password": "wrong"})).status_code == 403
    assert (await call(clients, "POST", "/me:erase", token, json={"password": NEW_PASSWORD})).status_code == 204
    assert (await login(clients, name, NEW_PASSWORD)).json()["code"] == "INVALID_CREDENTIALS"
    assert (await call(clients, "POST", "/register", json=new)).status_code == 201


async def test_an_admin_shuts_out_and_lets_in(server: Server, clients: Clients) -> None:
    """And reads of it in the log; who is no admin does neither."""
    admin = await clients.login("alice", server.password)
    user = await clients.register("bea")
    refused = await call(clients, "POST", f"/{admin.id}:suspend", user.token, json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "PERMISSION_DENIED")
    suspended = await call(clients, "POST", f"/{user.id}:suspend", admin.token, json={"reason": "spam"})
    assert suspended.json()["is_active"] is False
    assert (await login(clients, user.username, PASSWORD)).status_code == 401
    assert (await call(clients, "POST", f"/{user.id}:reactivate", admin.token, json={})).status_code == 200
    assert (await login(clients, user.username, PASSWORD)).status_code == 200
    log = await call(clients, "GET", "/admin/audit", admin.token, params={"user_id": user.id})
    actions = [entry["action"] for entry in log.json()["items"]]
    assert {"user.suspended", "user.reactivated", "user.registered"} <= set(actions)
    assert (await call(clients, "GET", "/admin/audit", user.token)).status_code in (401, 403)
    assert (await call(clients, "POST", f"/{user.id}:erase", admin.token, json={})).status_code == 204
    gone = await call(clients, "GET", f"/{user.id}", admin.token)
    assert gone.json()["full_name"] == "Deleted user"

"""What opens a socket, and what ends it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import socketio

from facade import sockets
from tests.integration.conftest import Device, Start, System, connect_socket

WITHIN_S = 5.0
"""By when the end of a session is known everywhere."""


@pytest.fixture(params=[False, True], ids=["together", "apart"])
async def system(start: Start, request: pytest.FixtureRequest) -> System:
    running: System = await start(apart=request.param)
    return running


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(0.005)


async def revoked(device: Device) -> None:
    """Waits until a socket is told that its session has ended, and is closed."""
    await until(lambda: device.named("session-revoked"))
    await until(lambda: not device.client.connected)


async def ticket(http: httpx2.AsyncClient) -> str:
    answer = await http.post("/api/users/ws-ticket")
    assert answer.status_code == 201
    return str(answer.json()["ticket"])


async def opened(system: System, auth: dict[str, Any]) -> Device:
    """A socket that has been greeted. Raises ConnectionError with the code of the refusal."""
    device, refused = Device(socketio.AsyncClient(reconnection=False)), list[Any]()
    device.client.on("*", lambda event, *data: device.events.append((event, data[0] if data else None)))
    device.client.on("connect_error", refused.append)
    system.at_end(device.client.disconnect)
    try:
        await connect_socket(device.client, system.url, auth)
    except socketio.exceptions.ConnectionError:
        raise ConnectionError(refused[0]["data"]["code"]) from None
    await until(lambda: device.named("hello"))
    return device


def token_of(http: httpx2.AsyncClient) -> str:
    return http.headers["Authorization"].removeprefix("Bearer ")


async def test_a_ticket_opens_one_socket(system: System) -> None:
    """As the user and in the session that asked for it; the socket can do what one with a token can."""
    alice = await system.http("alice")
    found = await ticket(alice)
    device = await opened(system, {"ticket": found})
    hello = device.named("hello")[0]
    assert hello["user_id"] == (await alice.get("/api/users/me")).json()["id"]
    current = [item for item in (await alice.get("/api/users/me/sessions")).json()["items"] if item["is_current"]]
    assert [hello["session_id"]] == [session["id"] for session in current]
    assert (await device.client.call("sync", {"user_pos": 0, "positions": {}}))["ok"]
    with pytest.raises(ConnectionError, match="TICKET_INVALID"):
        await opened(system, {"ticket": found})


async def test_a_ticket_of_which_many_make_use_opens_one_socket(system: System) -> None:
    """However fast they are."""
    found = await ticket(await system.http("alice"))
    results = await asyncio.gather(*[opened(system, {"ticket": found}) for _ in range(5)], return_exceptions=True)
    assert (
        sorted(map(str, (result for result in results if isinstance(result, ConnectionError))))
        == ["TICKET_INVALID"] * 4
    )


@pytest.mark.parametrize("bad", ["x", "x" * 10_000, 7, ["x"], {"a": 1}, "\x00", "ü"])
async def test_what_is_no_ticket_opens_nothing(start: Start, bad: Any) -> None:
    """Whatever it is."""
    system: System = await start()
    with pytest.raises(ConnectionError, match="TICKET_INVALID"):
        await opened(system, {"ticket": bad})


async def test_a_socket_goes_on_by_a_ticket(system: System) -> None:
    """Its token is kept away from the code that holds the socket, for as long as that goes on."""
    alice, bob = await system.http("alice"), await system.http("bob")
    device = await opened(system, {"ticket": await ticket(alice)})
    answer = await device.client.call("auth-refresh", {"ticket": await ticket(alice)})
    assert answer["data"]["expires_in"] > 500
    answer = await device.client.call("auth-refresh", {"ticket": await ticket(bob)})
    assert answer["problem"]["code"] == "USER_MISMATCH"


async def test_a_socket_ends_with_its_session(system: System) -> None:
    """It is told so, and closed for good; those of other sessions stay."""
    phone, laptop = await system.http("alice"), await system.http("alice")
    of_phone = [await opened(system, {"token": token_of(phone)}), await opened(system, {"ticket": await ticket(phone)})]
    of_laptop = await opened(system, {"token": token_of(laptop)})
    assert (await phone.post("/api/users/logout")).status_code == 204
    for device in of_phone:
        await revoked(device)
        assert device.named("session-revoked")[0]["code"] == "SESSION_REVOKED"
    assert (await of_laptop.client.call("sync", {"user_pos": 0, "positions": {}}))["ok"]
    with pytest.raises(ConnectionError, match="SESSION_REVOKED"):
        await opened(system, {"token": token_of(phone)})


async def test_from_a_refresh_on_the_new_session_counts(start: Start) -> None:
    """The end of the session that opened the socket is no matter any more."""
    system: System = await start()
    old, new = await system.http("alice"), await system.http("alice")
    moved, stayed = [await opened(system, {"token": token_of(old)}) for _ in range(2)]
    assert (await moved.client.call("auth-refresh", {"token": token_of(new)}))["ok"]
    await old.post("/api/users/logout")
    await until(lambda: stayed.named("session-revoked"))
    assert (await moved.client.call("sync", {"user_pos": 0, "positions": {}}))["ok"]
    await new.post("/api/users/logout")
    await until(lambda: moved.named("session-revoked"))


async def test_an_api_key_opens_sockets(system: System) -> None:
    """Until it is revoked."""
    alice = await system.http("alice")
    made = await alice.post("/api/users/me/api-keys", json={"name": "bot", "scopes": ["message:read"]})
    assert made.status_code == 201
    device = await opened(system, {"token": made.json()["secret"]})
    assert device.named("hello")[0]["session_id"] == made.json()["api_key"]["id"]
    assert (await device.client.call("sync", {"user_pos": 0, "positions": {}}))["ok"]
    refused = await device.client.call("send-message", {"conversation_id": made.json()["api_key"]["id"], "text": "x"})
    assert refused["problem"]["code"] == "SCOPE_MISSING"
    await alice.delete(f"/api/users/me/api-keys/{made.json()['api_key']['id']}")
    await revoked(device)


async def test_a_user_has_a_bounded_number_of_sockets(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are not concerned, and a socket that closes makes room."""
    monkeypatch.setattr(sockets, "MAX_PER_USER", 2)
    system: System = await start()
    alice, bob = await system.http("alice"), await system.http("bob")
    first = await opened(system, {"token": token_of(alice)})
    await opened(system, {"token": token_of(alice)})
    with pytest.raises(ConnectionError, match="TOO_MANY_SOCKETS"):
        await opened(system, {"token": token_of(alice)})
    await opened(system, {"token": token_of(bob)})
    await first.client.disconnect()

    async def again() -> bool:
        try:
            await opened(system, {"token": token_of(alice)})
        except ConnectionError:
            return False
        return True

    async with asyncio.timeout(WITHIN_S):
        while not await again():
            await asyncio.sleep(0.01)

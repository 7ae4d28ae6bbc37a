"""What the gate refuses, over HTTP and WebSockets as they are on the wire, and what it tells browsers."""

from typing import Any

import httpx2
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.integration.conftest import Start, System

LISTED = "https://app.example.com"
POLL = "/ws/?EIO=4&transport=polling"
REFUSED = [
    "null",
    "https://evil.test",
    "https://app.example.com.evil.test",
    "https://evil-app.example.com",
    "https://app.example.com:8443",
    "http://app.example.com",
    "https://example.com",
    "garbage",
]


@pytest.fixture
async def system(start: Start) -> System:
    running: System = await start(origins=LISTED, public_url="https://chat.example.com")
    return running


async def upgraded(system: System, query: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
    """The status of a handshake by WebSocket, and the problem when it was refused."""
    url = system.url.replace("http", "ws") + "/ws/?EIO=4&transport=websocket" + query
    try:
        async with connect(url, additional_headers=headers):
            return 101, {}
    except InvalidStatus as refused:
        return refused.response.status_code, orjson.loads(refused.response.body)


@pytest.mark.parametrize("path", [POLL, "/ws?EIO=4&transport=polling", f"{POLL}&sid=x", "/ws/"])
async def test_pages_of_other_origins_open_no_socket(
    system: System, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by polling nor by WebSocket; nothing else is looked at before, and it is no error of ours."""
    client = await system.http()
    for origin in REFUSED:
        response = await client.get(path, headers={"origin": origin})
        assert (response.status_code, response.json()["code"]) == (403, "ORIGIN_REFUSED"), origin
        assert "access-control-allow-origin" not in response.headers
        status, problem = await upgraded(system, Origin=origin)
        assert (status, problem["code"]) == (403, "ORIGIN_REFUSED")
        assert problem["request_id"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_listed_pages_and_our_own_open_sockets(system: System) -> None:
    """As a browser calls them."""
    client = await system.http()
    for origin in (LISTED, "https://chat.example.com", system.url):
        response = await client.get(POLL, headers={"origin": origin, "cookie": "a=b"})
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, origin)
        assert "access-control-allow-credentials" not in response.headers
        assert await upgraded(system, Origin=origin, Cookie="a=b") == (101, {})


async def test_a_socket_without_origin_comes_from_no_browser(system: System) -> None:
    """With cookies it would, unless the browser says that it never left us."""
    client = await system.http()
    assert (await client.get(POLL)).status_code == 200
    assert await upgraded(system) == (101, {})
    cookie = {"cookie": "a=b"}
    assert (await client.get(POLL, headers=cookie)).json()["code"] == "ORIGIN_REFUSED"
    assert (await upgraded(system, Cookie="a=b"))[0] == 403
    for site, status in {"same-origin": 200, "same-site": 403, "cross-site": 403, "none": 403}.items():
        assert (await client.get(POLL, headers={**cookie, "sec-fetch-site": site})).status_code == status


async def test_two_origins_are_none(system: System) -> None:
    """Nobody gets in on another's."""
    client = await system.http()
    pairs = [("origin", LISTED), ("origin", "https://evil.test")]
    assert (await client.get(POLL, headers=pairs)).status_code == 403


async def test_listed_pages_may_read_answers(system: System) -> None:
    """Errors too, and the headers that programs need; without cookies."""
    client = await system.http("alice")
    for path, status in (("/api/users/me", 200), ("/api/nothing", 404)):
        response = await client.get(path, headers={"origin": LISTED})
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (status, LISTED)
        assert {"etag", "location", "retry-after", "ratelimit", "x-request-id"} <= set(
            response.headers["access-control-expose-headers"].split(", ")
        )
        assert "access-control-allow-credentials" not in response.headers
        assert "Origin" in response.headers["vary"]


async def test_other_pages_may_not(system: System) -> None:
    """The browser keeps the answer from them."""
    client = await system.http("alice")
    for origin in REFUSED:
        response = await client.get("/api/users/me", headers={"origin": origin})
        assert response.status_code == 200
        assert not [name for name in response.headers if name.startswith("access-control")]
        assert "Origin" in response.headers["vary"]


PREFLIGHT = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization,if-match"}


async def test_a_preflight_is_answered_for_listed_pages_only(system: System) -> None:
    """And kept by the browser for a while."""
    client = await system.http()
    for path in ("/api/users/me", "/ws/"):
        response = await client.options(path, headers={**PREFLIGHT, "origin": LISTED})
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == LISTED
        assert "PATCH" in response.headers["access-control-allow-methods"]
        assert {"authorization", "if-match"} <= set(response.headers["access-control-allow-headers"].split(", "))
        assert int(response.headers["access-control-max-age"]) > 0
        response = await client.options(path, headers={**PREFLIGHT, "origin": "https://evil.test"})
        assert not [name for name in response.headers if name.startswith("access-control")]


CREDENTIALS = ["token=x", "a=1&Access_Token=x", "authorization=", "ticket=x", "%74oken=x", "password=x", "api_key=x"]


@pytest.mark.parametrize("query", CREDENTIALS)
async def test_credentials_in_an_address_are_refused(system: System, query: str) -> None:
    """On every path below /api and on sockets, whatever else is right about the request."""
    client = await system.http("alice")
    for path in (f"/api/users/me?{query}", f"/api/nothing?{query}", f"{POLL}&{query}"):
        response = await client.get(path)
        assert (response.status_code, response.json()["code"]) == (400, "CREDENTIALS_IN_URL")
        assert response.headers["x-request-id"]
        assert "=x" not in response.text
    status, problem = await upgraded(system, f"&{query}")
    assert (status, problem["code"]) == (400, "CREDENTIALS_IN_URL")


async def test_the_names_that_a_provider_sends_people_back_with_are_none(system: System) -> None:
    """`code` and `state` are refused by who does not know them."""
    client = await system.http("alice")
    response = await client.get("/api/users/me?code=x&state=y")
    assert response.json()["code"] == "UNKNOWN_FIELD"


async def test_every_answer_keeps_browsers_safe(system: System) -> None:
    """Pages, answers, errors, refusals and polls alike; only TLS is asked for by browsers that came by it."""
    client = await system.http()
    for path in ("/demo", "/health", "/api/users/keys", "/api/nothing", "/api/users/me?token=x", POLL):
        headers = (await client.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["strict-transport-security"].startswith("max-age=")


async def test_without_tls_browsers_are_not_bound_to_it(start: Start) -> None:
    """A server for trying out stays reachable."""
    system: System = await start()
    client: httpx2.AsyncClient = await system.http()
    assert "strict-transport-security" not in (await client.get("/demo")).headers


async def test_who_has_no_token_is_told_which_kind_is_needed(system: System) -> None:
    """Without an error, since nothing was wrong (RFC 6750)."""
    client = await system.http()
    response = await client.get("/api/users/me")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_bad_token_is_told_as_such(system: System) -> None:
    """Whoever looks at the header only knows that another one is needed."""
    client = await system.http()
    response = await client.get("/api/users/me", headers={"authorization": "Bearer x"})
    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')

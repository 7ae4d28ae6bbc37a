"""What the edge counts and tells, around an application that answers in its own way."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from facade.address import Addresses
from facade.limits import Edge, LimitMiddleware
from facade.request import RequestMiddleware
from mesh.errors import Exhausted, Unauthenticated
from mesh.identity.principal import Principal
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.limits.limits import Limits
from mesh.limits.overrides import read

LIMITS = "off,edge.user=3/h,edge.address=2/h"


class App:
    """Answers with `headers`; keeps how often it was asked."""

    def __init__(self) -> None:
        self.headers: Mapping[str, str] = {}
        self.status, self.asked = 200, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await Request(scope, receive).body()
        await PlainTextResponse("here", self.status, self.headers)(scope, receive, send)


async def verify(token: str) -> Principal:
    if token not in ("anna", "bela"):
        raise Unauthenticated("TOKEN_INVALID", "No.")
    return Principal(token, "s1", "user", 2e9)


def edge(text: str = LIMITS) -> Edge:
    return Edge(Limits(read(text), MemoryLimiter()), verify)


@pytest.fixture
def app() -> App:
    return App()


def client(app: ASGIApp, text: str = LIMITS, address: str = "192.0.2.1") -> httpx2.AsyncClient:
    limited = RequestMiddleware(LimitMiddleware(app, edge(text)), Addresses(""))
    transport = httpx2.ASGITransport(app=limited, client=(address, 1))
    return httpx2.AsyncClient(transport=transport, base_url="http://test")


def by(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def told(response: httpx2.Response) -> tuple[str, str, str]:
    return tuple(response.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset"))  # type: ignore[return-value]


async def test_every_answer_below_api_tells_what_is_left(app: App) -> None:
    """Down to the refusal, which says how long."""
    async with client(app) as http:
        answers = [await http.get("/api/x", headers=by("anna")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit"] for answer in answers[:3]] == [
        '"edge";r=2;t=1200',
        '"edge";r=1;t=2400',
        '"edge";r=0;t=3600',
    ]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"edge";q=3;w=3600'}
    assert [told(answer)[1] for answer in answers] == ["2", "1", "0", "0"]
    assert app.asked == 3


async def test_a_refusal_is_a_problem_like_others(app: App) -> None:
    """With the limit, the wait in both forms, and the ids of the request."""
    async with client(app, "off,edge=1/h") as http:
        await http.get("/api/x")
        refused = await http.post("/api/x", content=b"{", headers={"X-Correlation-Id": "mine"})
    problem: dict[str, Any] = refused.json()
    assert (problem["code"], problem["status"], problem["retryable"]) == ("RATE_LIMITED", 429, True)
    assert (problem["policy"], problem["scope"], problem["correlation_id"]) == ("edge", "address", "mine")
    assert refused.headers["retry-after"] == "3600"
    assert 3599 < problem["retry_after_s"] <= 3600
    assert refused.headers["x-request-id"] == problem["request_id"] != ""


async def test_users_are_counted_by_themselves_and_strangers_by_address(app: App) -> None:
    """One address holds many users; a token that is none makes nobody a user."""
    async with client(app) as http:
        codes = [(await http.get("/api/x", headers=by(who))).status_code for who in ("anna",) * 3 + ("bela",) * 3]
        bad = [{}, by("rubbish"), {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}]
        strangers = [(await http.get("/api/x", headers=headers)).status_code for headers in bad]
    assert codes == [200] * 6
    assert strangers == [200, 200, 429, 429]


async def test_what_does_not_exist_is_counted_too(app: App) -> None:
    """Whoever looks for what is not there asks all the same."""
    app.status = 404
    async with client(app) as http:
        assert [(await http.get("/api")).status_code for _ in range(3)] == [404, 404, 429]


async def test_pages_are_not_counted(app: App) -> None:
    """Only what lies below /api is, and nothing is told elsewhere."""
    async with client(app, "off,edge=1/h") as http:
        for path in ("/", "/demo", "/apiary", "/health", "/ws"):
            answer = await http.get(path)
            assert answer.status_code == 200
            assert "ratelimit" not in answer.headers


async def test_what_the_service_told_of_its_class_is_told_beside(app: App) -> None:
    """The three plain headers are about the tightest."""
    app.headers = {"RateLimit": '"send";r=1;t=4', "RateLimit-Policy": '"send";q=50;w=5'}
    async with client(app) as http:
        first, second = [await http.get("/api/x", headers=by("anna")) for _ in range(2)]
        third = await http.get("/api/x", headers=by("anna"))
    assert first.headers["ratelimit"] == '"edge";r=2;t=1200, "send";r=1;t=4'
    assert first.headers["ratelimit-policy"] == '"edge";q=3;w=3600, "send";q=50;w=5'
    assert told(first) == ("50", "1", "4")
    assert told(second) == ("3", "1", "2400")
    assert told(third) == ("3", "0", "3600")


async def test_without_limits_nothing_is_told_but_what_the_service_says(app: App) -> None:
    """There is nothing to wait for."""
    async with client(app, "off") as http:
        assert not [name for name in (await http.get("/api/x")).headers if "rate" in name]
        app.headers = {"RateLimit": '"send";r=1;t=4', "RateLimit-Policy": '"send";q=50;w=5'}
        assert told(await http.get("/api/x")) == ("50", "1", "4")


async def test_a_body_is_not_read_for_who_has_to_wait(app: App) -> None:
    """It costs what it costs only those who may."""

    async def endless() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    async with client(app, "off,edge=1/h") as http:
        await http.get("/api/x")
        refused = await http.post("/api/x", content=endless())
    assert refused.status_code == 429
    assert app.asked == 1


async def test_sockets_and_their_events_are_counted_alike() -> None:
    """From the same accounts as requests."""
    counted = edge()
    for _ in range(3):
        await counted.admit("anna", "192.0.2.1")
    with pytest.raises(Exhausted) as caught:
        await counted.admit("anna", "192.0.2.1")
    assert caught.value.limit is not None
    assert (caught.value.limit.policy, caught.value.limit.scope) == ("edge", "user")
    await counted.admit("", "192.0.2.1")

"""Log-in by a real OpenID provider, as a browser goes through it."""

import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import grpc
import httpx2
import orjson
import pytest

from chat.user.v1.oauth_service_pb2 import StartOAuthRequest
from chat.user.v1.oauth_service_pb2_grpc import OAuthServiceStub
from facade.oauth import COOKIE
from mesh.call.status import from_rpc_error
from tests.acceptance.openid import open_provider
from tests.integration.conftest import Start, System
from tests.ports import reserve_port

pytestmark = pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")

PORT = reserve_port()
"""Where people reach the server: the provider must know it before."""
ALGORITHMS = {"rs": "RS256", "es": "ES256", "ed": "EdDSA"}
ANNA = {"email": "anna@example.com", "email_verified": True, "name": "Anna A", "preferred_username": "Anna.A"}
ACCOUNTS = {
    "anna": ANNA,
    "liar": {**ANNA, "email": "alice@example.com", "email_verified": False},
    "alice": {"email": "alice@example.com", "email_verified": True},
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    callbacks = {name: [f"http://127.0.0.1:{PORT}/api/users/oauth/{name}/callback"] for name in ALGORITHMS}
    clients = [
        {
            "client_id": f"chat-{name}",
            "client_secret": "a secret: with/signs",
            "redirect_uris": callbacks["rs"] + callbacks[name],
            "id_token_signed_response_alg": algorithm,
        }
        for name, algorithm in ALGORITHMS.items()
    ]
    with open_provider(clients, ACCOUNTS) as issuer:
        yield issuer


@pytest.fixture
def chosen(issuer: str) -> dict[str, str]:
    """The settings of the server."""
    providers = {
        name: {"issuer": issuer, "client_id": f"chat-{name}", "client_secret": "a secret: with/signs", "title": "Corp"}
        for name in ALGORITHMS
    }
    return {"http": f"127.0.0.1:{PORT}", "oidc_providers": orjson.dumps(providers).decode()}


@pytest.fixture
async def system(start: Start, chosen: dict[str, str]) -> System:
    running: System = await start(**chosen)
    return running


class Browser:
    """A browser that keeps cookies, and stops wherever somebody has to decide."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def start(self, provider: str = "rs", return_to: str = "/demo") -> str:
        """Where it is sent."""
        answer = await self.client.get(f"/api/users/oauth/{provider}/start", params={"return_to": return_to})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def prove(self, url: str, name: str) -> str:
        """Logs in at the provider; where that sends the browser."""
        while not url.startswith(str(self.client.base_url)):
            if "/interaction/" in url:
                form = {"prompt": "login", "login": name, "password": "x"}
                answer = await self.client.post(url, data=form)
            else:
                answer = await self.client.get(url)
            assert answer.is_redirect, answer.text
            url = str(httpx2.URL(url).join(answer.headers["location"]))
        return url

    async def come_back(self, url: str) -> tuple[int, str, str]:
        """The status, and page and fragment that it is sent to, or the code of the problem."""
        answer = await self.client.get(url)
        if answer.status_code != 302:
            return answer.status_code, "", answer.json()["code"]
        page = urlsplit(answer.headers["location"])
        assert (page.netloc, page.query) == ("", "")
        return 302, page.path, page.fragment

    async def log_in(self, name: str, provider: str = "rs") -> dict[str, Any]:
        """The whole way; what the page gets for the handover."""
        _, _, fragment = await self.come_back(await self.prove(await self.start(provider), name))
        answer = await self.redeem(fragment)
        assert answer.status_code == 200, answer.text
        session: dict[str, Any] = answer.json()
        return session

    async def redeem(self, fragment: str) -> httpx2.Response:
        handover = fragment.removeprefix("handover=")
        return await self.client.post("/api/users/oauth/handover", json={"handover": handover, "device": "Tab"})


@pytest.fixture
async def browser(system: System) -> Browser:
    return Browser(await system.http())


def changed(url: str, **query: str) -> str:
    """A URL with other values in its query."""
    parts = urlsplit(url)
    values = {name: texts[0] for name, texts in parse_qs(parts.query).items()} | query
    return urlunsplit(parts._replace(query=str(httpx2.QueryParams(values))))


def query_of(url: str) -> dict[str, str]:
    return {name: texts[0] for name, texts in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize("provider", ALGORITHMS)
async def test_a_log_in_by_a_provider_opens_a_session(browser: Browser, provider: str) -> None:
    """However it signs; the account is made with what the provider has proof of, and is found again."""
    first = await browser.log_in("anna", provider)
    headers = {"authorization": f"Bearer {first['access_token']}"}
    me = (await browser.client.get("/api/users/me", headers=headers)).json()
    assert (me["username"], me["full_name"], me["email"]) == ("anna.a", "Anna A", "anna@example.com")
    assert me["is_verified"]
    sessions = (await browser.client.get("/api/users/me/sessions", headers=headers)).json()["items"]
    assert [session["device"] for session in sessions] == ["Tab"]
    again = await browser.log_in("anna", provider)
    assert (again["user"]["id"], again["session_id"] == first["session_id"]) == (first["user"]["id"], False)
    refreshed = await browser.client.post("/api/users/token/refresh", json={"refresh_token": again["refresh_token"]})
    assert refreshed.status_code == 200


async def test_the_services_may_live_apart(start: Start, chosen: dict[str, str]) -> None:
    """The facade alone may begin and end a log-in."""
    system: System = await start(apart=True, **chosen)
    assert (await Browser(await system.http()).log_in("anna"))["access_token"]
    async with grpc.aio.insecure_channel(system.grpc[0]) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await OAuthServiceStub(channel).StartOAuth(StartOAuthRequest(provider="rs"))
    assert from_rpc_error(raised.value).reason == "MESH_ONLY"


async def test_the_browser_is_bound_by_a_cookie_that_scripts_cannot_read(browser: Browser, issuer: str) -> None:
    """It is sent back to us only, and nothing that opens a session stands in a query."""
    answer = await browser.client.get("/api/users/oauth/rs/start")
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/api/users/oauth", "max-age=600"} <= set(cookie.split("; "))
    assert "secure" not in cookie
    asked = query_of(answer.headers["location"])
    assert answer.headers["location"].startswith(issuer)
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43


async def test_the_providers_are_listed(browser: Browser) -> None:
    """For the page to offer."""
    items = (await browser.client.get("/api/users/oauth")).json()["items"]
    assert [(item["name"], item["title"]) for item in items] == [(name, "Corp") for name in ALGORITHMS]
    answer = await browser.client.get("/api/users/oauth/nobody/start")
    assert (answer.status_code, answer.json()["code"]) == (404, "PROVIDER_NOT_FOUND")


@pytest.mark.parametrize("page", ["//evil.test", "/\\evil.test", "https://evil.test", "evil", "/a#b", "/a b", "/\n/x"])
async def test_the_way_back_leads_to_a_page_of_ours(browser: Browser, page: str) -> None:
    """Nobody is sent on to a stranger."""
    answer = await browser.client.get("/api/users/oauth/rs/start", params={"return_to": page})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


async def test_a_state_without_its_cookie_is_worth_nothing(browser: Browser, system: System) -> None:
    """Whoever stole it; the browser that began can still finish."""
    url = await browser.prove(await browser.start(), "anna")
    thief = Browser(await system.http())
    assert await thief.come_back(url) == (401, "", "PROVIDER_REFUSED")
    await thief.start()
    assert await thief.come_back(url) == (401, "", "PROVIDER_REFUSED")
    status, page, fragment = await browser.come_back(url)
    assert (status, page, fragment.partition("=")[0]) == (302, "/demo", "handover")


async def test_a_log_in_comes_back_once(browser: Browser) -> None:
    """Its state, its code and its handover are used up by it."""
    url = await browser.prove(await browser.start(), "anna")
    binding = browser.client.cookies[COOKIE]
    _, _, fragment = await browser.come_back(url)
    assert COOKIE not in browser.client.cookies
    browser.client.cookies.set(COOKIE, binding)
    assert await browser.come_back(url) == (401, "", "PROVIDER_REFUSED")
    assert (await browser.redeem(fragment)).status_code == 200
    assert (await browser.redeem(fragment)).json()["code"] == "PROVIDER_REFUSED"
    used, state = query_of(url)["code"], query_of(await browser.start())["state"]
    browser.client.cookies.delete(COOKIE, path="/")
    assert await browser.come_back(changed(url, code=used, state=state)) == (302, "/demo", "problem=PROVIDER_REFUSED")


async def test_another_state_is_refused(browser: Browser) -> None:
    """One that was made up, and one of another provider's log-in."""
    url = await browser.prove(await browser.start("es"), "anna")
    assert await browser.come_back(changed(url, state="x" * 43)) == (401, "", "PROVIDER_REFUSED")
    moved = url.replace("/oauth/es/", "/oauth/rs/")
    assert await browser.come_back(moved) == (401, "", "PROVIDER_REFUSED")


async def test_a_token_for_another_log_in_is_refused(browser: Browser) -> None:
    """Its nonce is not ours."""
    url = await browser.prove(changed(await browser.start(), nonce="n" * 43), "anna")
    assert await browser.come_back(url) == (302, "/demo", "problem=PROVIDER_REFUSED")


async def test_a_code_for_another_client_is_refused(browser: Browser) -> None:
    """The provider gives no tokens for it."""
    url = await browser.prove(changed(await browser.start(), client_id="chat-es"), "anna")
    assert await browser.come_back(url) == (302, "/demo", "problem=PROVIDER_REFUSED")


async def test_a_code_that_another_began_to_ask_for_is_refused(browser: Browser) -> None:
    """It takes the verifier that belongs to the challenge."""
    url = await browser.prove(changed(await browser.start(), code_challenge="c" * 43), "anna")
    assert await browser.come_back(url) == (302, "/demo", "problem=PROVIDER_REFUSED")


async def test_another_provider_cannot_send_the_browser_back(browser: Browser) -> None:
    """Who it was must be said by one that says it can (RFC 9207)."""
    for iss in ("https://evil.test", ""):
        url = await browser.prove(await browser.start(), "anna")
        assert await browser.come_back(changed(url, iss=iss)) == (302, "/demo", "problem=PROVIDER_REFUSED")


async def test_who_gives_up_at_the_provider_is_back_where_they_began(browser: Browser) -> None:
    """With a reason, and the log-in is over."""
    url = await browser.start(return_to="/account?tab=2")
    back = f"/api/users/oauth/rs/callback?state={query_of(url)['state']}&error=access_denied"
    answer = await browser.client.get(back)
    assert answer.headers["location"] == "/account?tab=2#problem=PROVIDER_REFUSED"


async def test_an_account_with_the_address_is_theirs_only_with_proof(browser: Browser, system: System) -> None:
    """Saying it to the provider is not enough."""
    mine = (await (await system.http("alice")).get("/api/users/me")).json()
    assert mine["is_verified"]
    liar = await browser.log_in("liar")
    assert (liar["user"]["id"] == mine["id"], liar["user"]["email"]) == (False, "")
    owner = await Browser(await system.http()).log_in("alice")
    assert owner["user"]["id"] == mine["id"]

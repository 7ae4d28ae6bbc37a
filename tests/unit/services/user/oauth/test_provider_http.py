"""A provider over HTTP that answers whatever a test wants."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from mesh.errors import Unauthenticated, Unavailable
from services.user.oauth import provider_http
from services.user.oauth.domain import Attempt
from services.user.oauth.provider_http import DISCOVERY_S, KEYS_S, HttpProvider
from services.user.oauth.providers import ProviderSettings

ISSUER = "https://id.example.com/realm"
NOW = 1_800_000_000.0
ATTEMPT = Attempt("default", "corp", "/demo", "state", "binding", "nonce", "verifier")
BACK = "https://chat.example.com/callback"
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("k1", "k2")}

Answer = Callable[[httpx2.Request], httpx2.Response | Awaitable[httpx2.Response]]


def jwk(name: str, **more: Any) -> dict[str, Any]:
    return {**json.loads(ECAlgorithm.to_jwk(KEYS[name].public_key())), "kid": name, **more}


class World:
    """A provider, and what it was asked. `answers` may be changed, by path."""

    def __init__(self) -> None:
        self.now = NOW
        self.asked: list[httpx2.Request] = []
        self.discovery: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example.com/auth?realm=1",
            "token_endpoint": "https://id.example.com/token",
            "jwks_uri": "https://id.example.com/jwks",
            "userinfo_endpoint": "https://id.example.com/me",
        }
        self.claims: dict[str, Any] = {"email": "anna@example.com", "email_verified": True, "name": "Anna"}
        self.answers: dict[str, Answer] = {
            "/realm/.well-known/openid-configuration": lambda _: httpx2.Response(200, json=self.discovery),
            "/token": lambda _: httpx2.Response(200, json={"id_token": self.token(), "access_token": "access"}),
            "/jwks": lambda _: httpx2.Response(200, json={"keys": [jwk("k1")]}),
            "/me": lambda _: httpx2.Response(200, json={"sub": "s-1", **self.claims}),
        }
        self.client = httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))
        self.provider = self.with_settings()

    def with_settings(self, **more: str) -> HttpProvider:
        chosen = {"issuer": ISSUER, "client_id": "chat", "client_secret": "p:ss wörd", **more}
        return HttpProvider("corp", ProviderSettings(**chosen), self.client, lambda: self.now)

    def token(self, key: str = "k1", **changed: Any) -> str:
        claims = {"iss": ISSUER, "aud": "chat", "sub": "s-1", "exp": self.now + 60, "iat": self.now, "nonce": "nonce"}
        payload = orjson.dumps({**claims, **self.claims, **changed})
        return jwt.PyJWS().encode(payload, KEYS[key], algorithm="ES256", headers={"kid": key})

    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]

    async def identify(self, issuer: str = "") -> Any:
        return await self.provider.identify(ATTEMPT, "the-code", issuer, BACK)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answers[request.url.path](request)
        return answer if isinstance(answer, httpx2.Response) else await answer


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.client.aclose()


async def test_the_browser_is_sent_with_all_that_binds_the_answer(world: World) -> None:
    """To where the provider says, whatever stands in its query."""
    url = urlsplit(await world.provider.authorization_url(ATTEMPT, BACK))
    assert (url.netloc, url.path) == ("id.example.com", "/auth")
    assert parse_qs(url.query) == {
        "realm": ["1"],
        "response_type": ["code"],
        "client_id": ["chat"],
        "redirect_uri": [BACK],
        "scope": ["openid email profile"],
        "state": ["state"],
        "nonce": ["nonce"],
        "code_challenge": [ATTEMPT.challenge],
        "code_challenge_method": ["S256"],
    }


async def test_somebody_is_proven_by_a_code(world: World) -> None:
    """Which is traded with the verifier, by a client that names itself in the header."""
    who = await world.identify()
    assert (who.issuer, who.subject, who.email, who.is_verified, who.name) == (
        ISSUER,
        "s-1",
        "anna@example.com",
        True,
        "Anna",
    )
    asked = next(request for request in world.asked if request.url.path == "/token")
    assert parse_qs(asked.content.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["the-code"],
        "redirect_uri": [BACK],
        "code_verifier": ["verifier"],
    }
    scheme, _, credentials = asked.headers["authorization"].partition(" ")
    assert (scheme, b64decode(credentials)) == ("Basic", b"chat:p%3Ass%20w%C3%B6rd")


async def test_clients_name_themselves_as_the_provider_wants(world: World) -> None:
    """In the form when it takes no header, and without a secret when there is none."""
    world.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    await world.identify()
    world.provider = world.with_settings(client_secret="")
    await world.identify()
    forms = [parse_qs(request.content.decode()) for request in world.asked if request.url.path == "/token"]
    assert [form.get("client_secret") for form in forms] == [["p:ss wörd"], None]
    assert [form["client_id"] for form in forms] == [["chat"], ["chat"]]
    assert not any("authorization" in request.headers for request in world.asked if request.url.path == "/token")


async def test_what_the_token_does_not_tell_is_asked_for(world: World) -> None:
    """About nobody else."""
    bare = {"iss": ISSUER, "aud": "chat", "sub": "s-1", "exp": NOW + 60, "iat": NOW, "nonce": "nonce"}
    token = jwt.PyJWS().encode(orjson.dumps(bare), KEYS["k1"], algorithm="ES256", headers={"kid": "k1"})
    world.answers["/token"] = lambda _: httpx2.Response(200, json={"id_token": token, "access_token": "access"})
    assert (await world.identify()).email == "anna@example.com"
    assert world.asked[-1].headers["authorization"] == "Bearer access"
    world.answers["/me"] = lambda _: httpx2.Response(200, json={"sub": "s-2", "email": "bob@example.com"})
    with pytest.raises(Unauthenticated, match="PROVIDER_REFUSED"):
        await world.identify()


@pytest.mark.parametrize("value", [False, None, "true", 1, "yes"])
async def test_proof_of_an_address_is_told_by_true_alone(world: World, value: object) -> None:
    """A text that looks like it may stand there by anybody's will."""
    world.claims["email_verified"] = value
    assert (await world.identify()).is_verified is False


@pytest.mark.parametrize(("issuer", "refused"), [(ISSUER, False), ("", True), ("https://evil.test", True)])
async def test_who_can_say_who_it_is_must(world: World, issuer: str, refused: bool) -> None:
    """A log-in that began at one provider does not end at another (RFC 9207)."""
    world.discovery["authorization_response_iss_parameter_supported"] = True
    if refused:
        with pytest.raises(Unauthenticated, match="PROVIDER_REFUSED"):
            await world.identify(issuer)
        assert "/token" not in world.paths()
    else:
        await world.identify(issuer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": f"{ISSUER}/"},
        {"issuer": "https://evil.test"},
        {"issuer": None},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://id.example.com/auth"},
        {"token_endpoint": "http://id.example.com/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "http://169.254.169.254/"},
    ],
)
async def test_a_discovery_document_must_be_that_of_the_issuer(world: World, wrong: dict[str, Any]) -> None:
    """Exactly, and lead to where TLS is spoken."""
    world.discovery.update(wrong)
    with pytest.raises(Unavailable):
        await world.provider.authorization_url(ATTEMPT, BACK)


async def test_what_a_provider_says_about_itself_counts_for_an_hour(world: World) -> None:
    """And goes on when it does not answer then."""
    for _ in range(3):
        await world.provider.authorization_url(ATTEMPT, BACK)
    assert len(world.asked) == 1
    world.now += DISCOVERY_S
    world.answers["/realm/.well-known/openid-configuration"] = lambda _: httpx2.Response(503)
    assert await world.provider.authorization_url(ATTEMPT, BACK)
    assert len(world.asked) == 2


async def test_a_new_key_is_found_and_an_unknown_one_not_asked_for_all_the_time(world: World) -> None:
    """At most twice a minute, whatever tokens name."""
    await world.identify()
    world.answers["/token"] = lambda _: httpx2.Response(200, json={"id_token": world.token("k2")})
    for _ in range(3):
        with pytest.raises(Unauthenticated, match="PROVIDER_REFUSED"):
            await world.identify()
    assert world.paths().count("/jwks") == 1
    world.answers["/jwks"] = lambda _: httpx2.Response(200, json={"keys": [jwk("k1"), jwk("k2")]})
    world.now += KEYS_S
    assert (await world.identify()).subject == "s-1"
    assert world.paths().count("/jwks") == 2


async def test_weak_keys_and_keys_for_something_else_sign_nothing(world: World) -> None:
    """They may stand in the set."""
    weak = rsa.generate_private_key(65537, 1024)
    public = {**json.loads(RSAAlgorithm.to_jwk(weak.public_key())), "kid": "k1"}
    encrypting = jwk("k1", use="enc")
    shared: dict[str, Any] = {"kty": "oct", "k": "YWJj", "kid": "k1"}
    told: dict[str, Any] = {}
    world.answers["/jwks"] = lambda _: httpx2.Response(200, json=told)
    sets: list[Any] = [[public], [encrypting], [shared], ["k1"], [None], [{}], {"k1": public}, None]
    for keys in sets:
        told["keys"] = keys
        world.provider = world.with_settings()
        with pytest.raises(Unauthenticated, match="PROVIDER_REFUSED"):
            await world.identify()


def large(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, content=b'{"a": "' + b"x" * (provider_http.MAX_BYTES + 1) + b'"}')


def broken(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused")


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx2.Response(500),
        lambda _: httpx2.Response(200, content=b"<html>"),
        lambda _: httpx2.Response(200, json=[]),
        lambda _: httpx2.Response(302, headers={"location": "http://169.254.169.254/"}),
        large,
        broken,
    ],
    ids=["500", "no JSON", "no object", "a redirect", "too large", "no connection"],
)
@pytest.mark.parametrize("path", ["/realm/.well-known/openid-configuration", "/token", "/jwks"])
async def test_a_provider_that_does_not_answer_is_told_as_such(world: World, path: str, answer: Answer) -> None:
    """Whoever logs in may try again; nothing is followed to elsewhere."""
    world.answers[path] = answer
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await world.identify()
    assert {request.url.host for request in world.asked} == {"id.example.com"}


async def test_a_provider_that_takes_its_time_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer has three seconds, whole."""
    monkeypatch.setattr(provider_http, "TIMEOUT_S", 0.05)

    async def never(_: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    world.answers["/token"] = never
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await world.identify()


async def test_a_code_that_is_not_taken_is_refused(world: World) -> None:
    """Its texts are not passed on."""
    world.answers["/token"] = lambda _: httpx2.Response(400, json={"error": "invalid_grant", "error_description": "x"})
    with pytest.raises(Unauthenticated) as raised:
        await world.identify()
    assert (raised.value.reason, raised.value.message) == ("PROVIDER_REFUSED", "The provider refused.")


@pytest.mark.parametrize("answer", [{}, {"id_token": None}, {"id_token": "x"}, {"id_token": {"a": 1}}])
async def test_tokens_that_are_none_are_refused(world: World, answer: dict[str, Any]) -> None:
    """Whatever stands in their place."""
    world.answers["/token"] = lambda _: httpx2.Response(200, json=answer)
    with pytest.raises(Unauthenticated, match="PROVIDER_REFUSED"):
        await world.identify()

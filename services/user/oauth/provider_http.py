"""OpenID providers over HTTP: discovery, keys and tokens. Every answer has a time limit and a size limit."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from mesh.errors import Unavailable
from services.user.oauth import id_token
from services.user.oauth.domain import Attempt, Who, refused
from services.user.oauth.id_token import BadToken
from services.user.oauth.providers import ProviderSettings, check_url

TIMEOUT_S = 3.0
"""For one answer of a provider, whole."""
MAX_BYTES = 256 << 10
DISCOVERY_S = 3600.0
"""How long what a provider says about itself counts."""
KEYS_S = 30.0
"""Between two questions for a key that is not known."""
MIN_RSA_BITS = 2048
SCOPE = "openid email profile"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Discovery:
    """What a provider says about itself (OpenID Connect Discovery)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    takes_basic: bool
    """Whether a client may name itself in the header."""
    names_issuer: bool
    """Whether it says who it is when it sends the browser back (RFC 9207)."""
    fetched_at: float


class HttpProvider:
    """One provider. `clock` gives seconds since the epoch."""

    def __init__(
        self, name: str, settings: ProviderSettings, client: httpx2.AsyncClient, clock: Callable[[], float]
    ) -> None:
        self.title = settings.title or name
        self._name, self._settings, self._client, self._clock = name, settings, client, clock
        self._discovery: _Discovery | None = None
        # Of this provider alone: an id of a key means nothing without the issuer.
        self._keys: dict[str, jwt.PyJWK] = {}
        self._keys_at = float("-inf")
        self._asking = asyncio.Lock()

    async def authorization_url(self, attempt: Attempt, redirect_uri: str) -> str:
        found = await self._discovered()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        separator = "&" if "?" in found.authorization_endpoint else "?"
        return f"{found.authorization_endpoint}{separator}{urlencode(query)}"

    async def identify(self, attempt: Attempt, code: str, issuer: str, redirect_uri: str) -> Who:
        found = await self._discovered()
        if issuer != self._settings.issuer and (issuer or found.names_issuer):
            raise refused("Another provider sent the browser back.")
        answer = await self._tokens(found, attempt, code, redirect_uri)
        token, access_token = str(answer.get("id_token", "")), str(answer.get("access_token", ""))
        try:
            claims = id_token.read(
                token,
                await self._key(found, *id_token.header_of(token)),
                issuer=self._settings.issuer,
                client_id=self._settings.client_id,
                nonce=attempt.nonce,
                access_token=access_token,
                now=self._clock(),
            )
        except BadToken as error:
            log.warning("an ID token was not believed", provider=self._name, why=str(error))
            raise refused("What the provider sent is not to be believed.") from None
        if "email" not in claims and found.userinfo_endpoint and access_token:
            claims = {**claims, **await self._userinfo(found, access_token, str(claims["sub"]))}
        return _who(self._settings.issuer, claims)

    async def _discovered(self) -> _Discovery:
        async with self._asking:
            known = self._discovery
            if known is None or not 0 <= self._clock() - known.fetched_at < DISCOVERY_S:
                try:
                    self._discovery = await self._discover()
                except Unavailable:
                    if known is None:
                        raise
                    log.warning("a provider does not answer; what it said before counts", provider=self._name)
            assert self._discovery is not None
            return self._discovery

    async def _discover(self) -> _Discovery:
        issuer = self._settings.issuer
        said = await self._ask("GET", f"{issuer.removesuffix('/')}/.well-known/openid-configuration")
        try:
            if said["issuer"] != issuer:
                raise ValueError("it is another issuer")
            methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
            userinfo = said.get("userinfo_endpoint") or ""
            return _Discovery(
                authorization_endpoint=check_url(str(said["authorization_endpoint"])),
                token_endpoint=check_url(str(said["token_endpoint"])),
                jwks_uri=check_url(str(said["jwks_uri"])),
                userinfo_endpoint=check_url(str(userinfo)) if userinfo else "",
                takes_basic="client_secret_basic" in methods,
                names_issuer=said.get("authorization_response_iss_parameter_supported") is True,
                fetched_at=self._clock(),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._unavailable(f"its discovery document is of no use: {error}") from None

    async def _tokens(self, found: _Discovery, attempt: Attempt, code: str, redirect_uri: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        client_id, secret, headers = self._settings.client_id, self._settings.client_secret, {}
        if secret and found.takes_basic:
            pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": client_id} | ({"client_secret": secret} if secret else {})
        return await self._ask("POST", found.token_endpoint, form=form, headers=headers)

    async def _userinfo(self, found: _Discovery, access_token: str, subject: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}"}
        said = await self._ask("GET", found.userinfo_endpoint, headers=headers)
        if said.get("sub") != subject:
            raise refused("What the provider sent is about somebody else.")
        return said

    async def _key(self, found: _Discovery, kid: str, algorithm: str) -> jwt.PyJWK:
        if (key := self._known_key(kid, algorithm)) is None:
            async with self._asking:
                if (key := self._known_key(kid, algorithm)) is None and self._may_ask():
                    self._keys, self._keys_at = _keys(await self._ask("GET", found.jwks_uri)), self._clock()
                    key = self._known_key(kid, algorithm)
        if key is None:
            raise BadToken("its key is not known")
        return key

    def _known_key(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        if kid:
            return self._keys.get(kid)
        fitting = [key for key in self._keys.values() if key.algorithm_name == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    def _may_ask(self) -> bool:
        return not 0 <= self._clock() - self._keys_at < KEYS_S

    async def _ask(
        self, verb: str, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """The JSON object that is answered. Raises Unauthenticated (PROVIDER_REFUSED) for 4xx, else Unavailable."""
        headers = {"Accept": "application/json", **(headers or {})}
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, body = await self._read(self._client.stream(verb, url, data=form, headers=headers))
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            raise self._unavailable(type(error).__name__) from None
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            said = None
        if 400 <= status < 500:
            why = str(said.get("error", "")) if isinstance(said, dict) else ""
            log.warning("a provider refused", provider=self._name, status=status, why=why)
            raise refused("The provider refused.")
        if status != 200 or not isinstance(said, dict):
            raise self._unavailable(f"it answered {status}, or no JSON object")
        return said

    async def _read(self, asked: AbstractAsyncContextManager[httpx2.Response]) -> tuple[int, bytes]:
        async with asked as answer:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise self._unavailable("its answer is too large")
            return answer.status_code, bytes(body)

    def _unavailable(self, why: str) -> Unavailable:
        log.warning("a provider cannot be used", provider=self._name, why=why)
        return Unavailable("UNAVAILABLE", f"{self.title} does not answer as it should. Try again.", retry_after_s=1)


def _keys(jwks: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    """The keys that may sign, by id; those of other kinds are left out, which a set may hold (RFC 7517 §5)."""
    found: dict[str, jwt.PyJWK] = {}
    listed = jwks.get("keys")
    for number, jwk in enumerate(listed if isinstance(listed, list) else ()):
        try:
            key = jwt.PyJWK(jwk)
        except (jwt.PyJWTError, TypeError, ValueError, AttributeError):
            continue
        is_weak = isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS
        if key.algorithm_name in id_token.ALGORITHMS and jwk.get("use", "sig") == "sig" and not is_weak:
            found[str(jwk.get("kid") or f"#{number}")] = key
    return found


def _who(issuer: str, claims: Mapping[str, Any]) -> Who:
    def text(name: str) -> str:
        value = claims.get(name)
        return value if isinstance(value, str) else ""

    return Who(
        issuer=issuer,
        subject=text("sub"),
        email=text("email"),
        is_verified=claims.get("email_verified") is True,
        name=text("name"),
        username=text("preferred_username"),
    )

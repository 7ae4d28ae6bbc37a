"""Verifies access tokens against the keys of the user service, and remembers those that were good."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mesh.errors import Error, Unauthenticated, Unavailable
from mesh.identity import tokens
from mesh.identity.jwk import from_jwk
from mesh.identity.principal import Principal

FetchKeys = Callable[[], Awaitable[Sequence[Mapping[str, str]]]]
"""Asks the user service for its public keys, as JSON Web Keys. Raises a mesh Error or RpcError when it cannot."""

MAX_TOKENS = 10_000
REFRESH_EVERY_S = 30.0
RETRY_EVERY_S = 1.0


class Verifier:
    """Turns an access token into the principal it proves. `clock` gives seconds since the epoch."""

    def __init__(self, fetch_keys: FetchKeys, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._keys = _Keys(fetch_keys, clock)
        self._good: dict[bytes, Principal] = {}

    def cached(self, token: str) -> Principal | None:
        """Who the token stands for, if it was verified before and has not ended. Never waits, never raises."""
        principal = self._good.get(_digest(token))
        return principal if principal is not None and principal.expires_at > self._clock() else None

    async def verify(self, token: str) -> Principal:
        """Who the token stands for.

        Raises Unauthenticated (TOKEN_INVALID, TOKEN_EXPIRED), or Unavailable when the key that it needs cannot be
        fetched.
        """
        if principal := self.cached(token):
            return principal
        key = await self._keys.get(tokens.key_id(token))
        principal = tokens.verify(token, key, self._clock())
        if len(self._good) >= MAX_TOKENS:
            del self._good[next(iter(self._good))]
        self._good[_digest(token)] = principal
        return principal


class _Keys:
    """The keys by id. An id that is not known asks again, for all who wait together and not more often than allowed."""

    def __init__(self, fetch: FetchKeys, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._answered_at = float("-inf")
        self._failed = False
        self._asking = asyncio.Lock()

    async def get(self, kid: str) -> Ed25519PublicKey:
        if kid not in self._keys:
            async with self._asking:
                if kid not in self._keys and self._may_ask():
                    # In a context of its own: one caller's short deadline must fail nobody else, and the question
                    # must not carry the token that waits for its answer. A caller who gives up leaves the asking to
                    # the next in line.
                    await asyncio.create_task(self._ask(), context=Context())
        if key := self._keys.get(kid):
            return key
        if self._failed:
            raise Unavailable("UNAVAILABLE", "The access token cannot be verified now. Try again.", retry_after_s=1)
        raise Unauthenticated("TOKEN_INVALID", "The access token is not valid.")

    def _may_ask(self) -> bool:
        pause_s = RETRY_EVERY_S if self._failed else REFRESH_EVERY_S
        # A wall clock that was set back must not keep new keys out.
        return not 0 <= self._clock() - self._answered_at < pause_s

    async def _ask(self) -> None:
        try:
            jwks = await self._fetch()
        except (Error, grpc.RpcError):
            self._failed = True
        else:
            self._failed = False
            self._keys = {jwk["kid"]: key for jwk in jwks if (key := from_jwk(jwk)) is not None}
        self._answered_at = self._clock()


def _digest(token: str) -> bytes:
    # Tokens are secrets: a dump of the cache must not give any away.
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()

"""Verifies access tokens and API keys, remembers those that were good, and refuses those whose session has ended."""

import time
from collections.abc import Callable
from hashlib import sha256

from mesh.identity import tokens
from mesh.identity.api_keys import ApiKeys, Introspect, key_invalid
from mesh.identity.keys import FetchKeys, Keys
from mesh.identity.principal import API_KEY_PREFIX, Principal
from mesh.identity.revocations import Revocations

MAX_TOKENS = 10_000


async def nobody(_: bytes) -> Principal:
    """Knows no API key."""
    raise key_invalid()


class Verifier:
    """Turns an access token or API key into the principal it proves. `clock` gives seconds since the epoch."""

    def __init__(
        self, fetch_keys: FetchKeys, introspect: Introspect = nobody, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self.keys = Keys(fetch_keys, clock)
        self.revocations = Revocations(clock)
        """What has ended; kept up to date by a watch of the process."""
        self._api_keys = ApiKeys(introspect, clock)
        self._good: dict[bytes, Principal] = {}

    def cached(self, token: str) -> Principal | None:
        """Who the token stands for, if it was verified before and goes on. Never waits, never raises."""
        principal = self._api_keys.cached(token) if token.startswith(API_KEY_PREFIX) else self._good.get(_digest(token))
        if principal is None or principal.expires_at <= self._clock() or principal.session_id in self.revocations:
            return None
        return principal

    async def verify(self, token: str) -> Principal:
        """Who the token stands for.

        Raises Unauthenticated (TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED), or Unavailable when what it takes to
        tell cannot be fetched.
        """
        if principal := self.cached(token):
            return principal
        principal = await (self._api_keys.verify(token) if token.startswith(API_KEY_PREFIX) else self._prove(token))
        self.revocations.check(principal.session_id)
        return principal

    async def _prove(self, token: str) -> Principal:
        key = await self.keys.get(tokens.key_id(token))
        principal = tokens.verify(token, key, self._clock())
        if len(self._good) >= MAX_TOKENS:
            del self._good[next(iter(self._good))]
        self._good[_digest(token)] = principal
        return principal


def _digest(token: str) -> bytes:
    # Tokens are secrets: a dump of the cache must not give any away.
    return sha256(token.encode(errors="surrogatepass")).digest()

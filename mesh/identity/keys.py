"""The public keys that access tokens are signed with, as the user service last told them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mesh.errors import Error, Unauthenticated, Unavailable
from mesh.identity.jwk import from_jwk

FetchKeys = Callable[[], Awaitable[Sequence[Mapping[str, str]]]]
"""Asks the user service for its public keys, as JSON Web Keys. Raises a mesh Error or RpcError when it cannot."""

REFRESH_EVERY_S = 30.0
RETRY_EVERY_S = 1.0
MAX_AGE_S = 24 * 3600.0
"""How long keys are used while the user service is away."""


class Keys:
    """The keys by id. An id that is not known asks again, for all who wait together and not more often than allowed.

    There is one issuer, whose keys these are: a token of any other is refused before its key is looked for.
    """

    def __init__(self, fetch: FetchKeys, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._asked_at = float("-inf")
        self._told_at = float("-inf")
        self._failed = False
        self._asking = asyncio.Lock()

    async def get(self, kid: str) -> Ed25519PublicKey:
        """The key. Raises Unauthenticated (TOKEN_INVALID), or Unavailable when that cannot be told."""
        if self._known(kid) is None:
            async with self._asking:
                if self._known(kid) is None and self._may_ask():
                    # In a context of its own: one caller's short deadline must fail nobody else, and the question
                    # must not carry the token that waits for its answer. A caller who gives up leaves the asking to
                    # the next in line.
                    await asyncio.create_task(self._ask(), context=Context())
        if key := self._known(kid):
            return key
        if self._failed:
            raise Unavailable("UNAVAILABLE", "The access token cannot be verified now. Try again.", retry_after_s=1)
        raise Unauthenticated("TOKEN_INVALID", "The access token is not valid.")

    async def refresh(self) -> bool:
        """Asks now, so that a key that is gone is forgotten; whether there was an answer."""
        async with self._asking:
            await self._ask()
        return not self._failed

    def _known(self, kid: str) -> Ed25519PublicKey | None:
        return self._keys.get(kid) if self._clock() - self._told_at < MAX_AGE_S else None

    def _may_ask(self) -> bool:
        pause_s = RETRY_EVERY_S if self._failed else REFRESH_EVERY_S
        # A wall clock that was set back must not keep new keys out.
        return not 0 <= self._clock() - self._asked_at < pause_s

    async def _ask(self) -> None:
        try:
            jwks = await self._fetch()
        except (Error, grpc.RpcError):
            jwks = ()
        keys = {jwk["kid"]: key for jwk in jwks if (key := from_jwk(jwk)) is not None and "kid" in jwk}
        self._asked_at = self._clock()
        self._failed = not keys  # A set without any key of ours is a fault too: it takes nothing away.
        if keys:
            self._keys, self._told_at = keys, self._asked_at

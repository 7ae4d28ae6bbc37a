"""API keys: opaque, so the user service is asked whom one stands for, and the answer is remembered for a while."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextvars import Context
from hashlib import sha256
from typing import TypeVar

import grpc

from mesh.call.status import from_rpc_error
from mesh.errors import Error, Unauthenticated
from mesh.identity.principal import API_KEY_PREFIX, Principal

Introspect = Callable[[bytes], Awaitable[Principal]]
"""Asks the user service whom the key with this SHA-256 stands for. Raises a mesh Error or RpcError."""

GOOD_S = 60.0
BAD_S = 5.0
MAX_REMEMBERED = 10_000
T = TypeVar("T")
_FORM = re.compile(API_KEY_PREFIX + "[A-Za-z0-9_-]{43}")


class ApiKeys:
    """Remembers by hash: a dump of the cache must not give any key away. `clock` gives seconds since the epoch."""

    def __init__(self, introspect: Introspect, clock: Callable[[], float]) -> None:
        self._introspect = introspect
        self._clock = clock
        self._good: dict[bytes, tuple[Principal, float]] = {}
        """Whom a key stands for, and until when that is remembered."""
        self._bad: dict[bytes, float] = {}
        self._asking: dict[bytes, asyncio.Task[Principal]] = {}

    def cached(self, key: str) -> Principal | None:
        """Whom the key stands for, if that was told of late. Never waits, never raises."""
        principal, until = self._good.get(_digest(key), _NOBODY)
        return principal if until > self._clock() else None

    async def verify(self, key: str) -> Principal:
        """Whom the key stands for. Raises Unauthenticated (TOKEN_INVALID), or Unavailable when nobody can tell."""
        digest = _digest(key)
        if not _FORM.fullmatch(key) or self._bad.get(digest, 0.0) > self._clock():
            raise key_invalid()
        task = self._asking.get(digest)
        if task is None:
            # In a context of its own, for all who wait: the question carries neither a deadline nor a token of theirs.
            task = asyncio.create_task(self._ask(digest), name="introspect", context=Context())
            self._asking[digest] = task
            task.add_done_callback(lambda done: self._asked(digest, done))
        return await asyncio.shield(task)

    async def _ask(self, digest: bytes) -> Principal:
        try:
            principal = await self._introspect(digest)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        _put(self._good, digest, (principal, self._clock() + GOOD_S))
        return principal

    def _asked(self, digest: bytes, task: asyncio.Task[Principal]) -> None:
        del self._asking[digest]
        if not task.cancelled() and isinstance(error := task.exception(), Error) and error.reason == "TOKEN_INVALID":
            self._good.pop(digest, None)
            _put(self._bad, digest, self._clock() + BAD_S)


def key_invalid() -> Error:
    return Unauthenticated("TOKEN_INVALID", "The API key is not valid, or has ended.")


_NOBODY: tuple[None, float] = (None, 0.0)


def _put(cache: dict[bytes, T], digest: bytes, value: T) -> None:
    cache.pop(digest, None)
    if len(cache) >= MAX_REMEMBERED:
        del cache[next(iter(cache))]
    cache[digest] = value


def _digest(key: str) -> bytes:
    return sha256(key.encode(errors="surrogatepass")).digest()

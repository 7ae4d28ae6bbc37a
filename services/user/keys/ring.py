"""The keys as this process knows them: read again often enough that several processes agree on which one signs."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from services.user.keys.domain import LEAD, KeySet, SigningKey
from services.user.keys.store import KeyStore

REREAD = timedelta(seconds=5)
"""How old what is known may be. Another process may have made a key, and it signs only long after."""

log = structlog.get_logger(__name__)


class KeyRing:
    """Open it with `open_ring`. `clock` tells the time, aware and in UTC."""

    def __init__(self, store: KeyStore, known: KeySet, clock: Callable[[], datetime], lead: timedelta = LEAD) -> None:
        self._store = store
        self._known = known
        self._clock = clock
        self._lead = lead
        self._read_at = clock()
        self._reading = asyncio.Lock()

    async def signer(self) -> SigningKey:
        """The key to sign with. What cannot be read again is not trusted: its successor might be signing."""
        if self._is_old():
            async with self._reading:
                if self._is_old():
                    await self._read()
        return self._known.signer(self._clock())

    async def published(self) -> list[SigningKey]:
        """The keys to tell of; as last known when they cannot be read, so that tokens go on being verified."""
        try:
            await self.signer()
        except Exception as error:
            log.warning("the signing keys cannot be read", exc_info=error)
        return self._known.published(self._clock())

    async def rotate(self) -> tuple[SigningKey, timedelta]:
        """Makes a new key; how long until it signs."""
        key = await self._store.rotate(self._clock(), self._lead)
        await self._read()
        return key, max(timedelta(), key.signs_from - self._clock())

    def _is_old(self) -> bool:
        # A clock that was set back must not keep new keys out.
        return not timedelta() <= self._clock() - self._read_at < REREAD

    async def _read(self) -> None:
        now = self._clock()
        self._known = await self._store.load(now)
        self._read_at = now


async def open_ring(store: KeyStore, clock: Callable[[], datetime], lead: timedelta = LEAD) -> KeyRing:
    """The ring of the keys in a store. Makes the first key where there is none."""
    return KeyRing(store, await store.load(clock()), clock, lead)

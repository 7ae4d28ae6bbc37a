"""The port to where signing keys are kept."""

from datetime import datetime, timedelta
from typing import Protocol

from services.user.keys.domain import KeySet, SigningKey


class KeyStore(Protocol):
    """Signing keys. They outlive the process: a restart must not end everybody's session."""

    async def load(self, now: datetime) -> KeySet:
        """The keys. The first is made when there is none; processes that start together get the same."""
        ...

    async def rotate(self, now: datetime, lead: timedelta) -> SigningKey:
        """Makes a successor that signs after `lead`, and says when those before are gone: both or none.

        While a successor waits for its time, that one is answered: of several calls at once each gets the same.
        """
        ...

    async def sweep(self, now: datetime, limit: int) -> int:
        """Removes up to `limit` keys that are gone, private halves and all; answers how many."""
        ...

"""The port to the log of revocations. What stands in it was written with the end of a session, not through here."""

from datetime import datetime
from typing import Protocol

from services.user.revocations.domain import Frame


class RevocationStore(Protocol):
    """The log: its positions rise in the order of commits, so who has read up to one has missed nothing before it."""

    async def position(self) -> int:
        """Where the log ends."""
        ...

    async def after(self, position: int, now: datetime, limit: int) -> Frame:
        """Up to `limit` entries after `position` that are still in force at `now`.

        A position that the log has never reached, as after a restore, counts as its beginning.
        """
        ...

    async def sweep(self, now: datetime, limit: int) -> int:
        """Removes up to `limit` entries that are no longer in force; answers how many."""
        ...

"""The port to where failures are counted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.user.accounts.domain import Account
from services.user.attempts.domain import Failures


class AttemptStore(Protocol):
    """Failures in a row, by the keys of the rules."""

    async def get(self, key: bytes) -> Failures | None:
        """The failures of a key; None for none. Cheap: asked before every log-in."""
        ...

    async def fail(self, key: bytes, now: datetime) -> Failures:
        """Counts a failure. Of several at the same time each counts."""
        ...

    async def lock(self, account: Account | None, workspace_id: str, now: datetime) -> None:
        """Notes that a name is locked, and sends its owner a letter that unlocks it. As much work when it has none."""
        ...

    async def clear(self, keys: Sequence[bytes]) -> None:
        """Forgets the failures of some keys."""
        ...

    async def sweep(self, now: datetime, limit: int) -> int:
        """Removes up to so many keys whose failures are forgotten; answers how many."""
        ...

"""The port to where presence is kept."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.presence.domain import Custom, Lease, Record, User


@dataclass(frozen=True, slots=True)
class Found:
    """Records in the order asked for, as of a moment of the clock that the leases are kept by."""

    now_ms: int
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Bells:
    """Whom a store tells what happens, at once and without waiting for them."""

    changed: Callable[[str, bool], None]
    """A watched user, by id, is not as they were; and whether a device has just brought them online."""
    lost: Callable[[], None]
    """Leases are gone, or may be: they have to be announced again."""


class PresenceStore(Protocol):
    """Leases, what users say, and when they were last there. All processes that share one see the same.

    Every method raises Unavailable (UNAVAILABLE), within half a second, while it cannot be reached.
    """

    async def apply(self, connected: Sequence[Lease], renewed: Sequence[Lease], closed: Sequence[Lease]) -> None:
        """Takes leases: new ones, those that go on, and those that end after the grace. Each may come again."""
        ...

    async def read(self, users: Sequence[User]) -> Found:
        """What is kept of users; empty records for those of whom nothing is."""
        ...

    async def say(self, user: User, custom: Custom, *, came_online: bool) -> None:
        """Keeps what a user says; `came_online` when that makes them visible to others."""
        ...

    async def forget(self, user_id: str) -> None:
        """Removes all that is kept of a user."""
        ...

    async def watch(self, user_ids: Collection[str]) -> None:
        """Rings for these users from now on; once for each when that is so. Waits for nobody."""
        ...

    async def unwatch(self, user_ids: Collection[str]) -> None:
        """Takes it back."""
        ...

    async def sweep(self, limit: int) -> int:
        """Ends leases and sayings that are over, looking at up to `limit`; answers at how many."""
        ...

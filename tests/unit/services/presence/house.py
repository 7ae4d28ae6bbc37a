"""A store in memory with those who watch it, by a clock of the test's own."""

from uuid import uuid4

from services.presence.domain import Lease, User
from services.presence.store import Bells
from services.presence.store_memory import MemoryStore
from services.presence.watching import Delta, Watching


class House:
    def __init__(self) -> None:
        self.ms = 1_000_000_000
        self.lost = 0
        self.watching = Watching(gather_s=0, settle_s=0)
        self.store = MemoryStore(Bells(self.watching.note, self._lose), clock=lambda: self.ms)

    def _lose(self) -> None:
        self.lost += 1

    async def turn(self) -> None:
        await self.watching.turn(self.store)


def user(workspace_id: str = "acme") -> User:
    return User(workspace_id, str(uuid4()))


def lease(user: User, socket_id: str = "s1", *, is_away: bool = False) -> Lease:
    return Lease(user, "session", socket_id, "gateway", is_away)


class Watcher:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[Delta] = []

    def tell(self, delta: Delta) -> None:
        self.told.append(delta)

    def take(self) -> list[tuple[User, str, bool]]:
        """Whom it was told of since the last time, their state, and whether they came online."""
        told, self.told = self.told, []
        return [(delta.user, delta.others.state.name, delta.came_online) for delta in told]

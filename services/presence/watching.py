"""Who watches whom in this process: what changes is gathered, read once, and told to all who watch."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from mesh.errors import Unavailable
from services.presence.domain import CONNECTED, Presence, User, seen_by_oneself, seen_by_others
from services.presence.store import PresenceStore

GATHER_S: Final = 1.0
SETTLE_S: Final = 3.0
"""How long gateways have to announce their devices again, before watchers are told who is gone."""
MAX_READ: Final = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delta:
    """How a user is now: as others see them, and as they see themselves."""

    user: User
    others: Presence
    own: Presence
    came_online: bool = False


class Watcher(Protocol):
    """Told of users. Told apart by identity."""

    def tell(self, delta: Delta) -> None:
        """Takes a change at once, without waiting for anybody."""
        ...


@dataclass(slots=True)
class _Watched:
    watchers: dict[Watcher, None] = field(default_factory=dict)
    fresh: set[Watcher] = field(default_factory=set)
    """Those of them who were told nothing yet."""
    told: tuple[Presence, Presence] | None = None


class Watching:
    """`run` has to be running. `note` and `settle` are for the bells of the store."""

    def __init__(self, *, gather_s: float = GATHER_S, settle_s: float = SETTLE_S) -> None:
        self._gather_s, self._settle_s = gather_s, settle_s
        self._watched: dict[User, _Watched] = {}
        self._by_id: dict[str, set[User]] = {}
        self._changed: dict[str, bool] = {}
        self._wake = asyncio.Event()
        self._settling: asyncio.TimerHandle | None = None

    async def add(self, store: PresenceStore, watcher: Watcher, users: Iterable[User]) -> None:
        """Tells the watcher of users from now on, beginning with how they are."""
        new = []
        for user in users:
            watched = self._watched.setdefault(user, _Watched())
            if watcher in watched.watchers:
                continue
            watched.watchers[watcher] = None
            watched.fresh.add(watcher)
            if user.id in self._by_id:
                self.note(user.id, False)
            else:
                new.append(user.id)
            self._by_id.setdefault(user.id, set()).add(user)
        if new:
            await store.watch(new)

    async def remove(self, store: PresenceStore, watcher: Watcher, users: Iterable[User]) -> None:
        gone = []
        for user in users:
            watched = self._watched.get(user)
            if watched is None or watcher not in watched.watchers:
                continue
            del watched.watchers[watcher]
            watched.fresh.discard(watcher)
            if watched.watchers:
                continue
            del self._watched[user]
            self._by_id[user.id].remove(user)
            if not self._by_id[user.id]:
                del self._by_id[user.id]
                gone.append(user.id)
        if gone:
            await store.unwatch(gone)

    def note(self, user_id: str, came_online: bool) -> None:
        """A user is not as they were."""
        if user_id in self._by_id:
            self._changed[user_id] = came_online or self._changed.get(user_id, False)
            self._wake.set()

    def settle(self) -> None:
        """The store has lost what it knew: looks at everybody when it has been told again."""
        if self._settling is not None:
            self._settling.cancel()
        self._settling = asyncio.get_running_loop().call_later(self._settle_s, self._look_at_all)

    async def run(self, store: PresenceStore) -> None:
        """Tells what changes, until it is cancelled."""
        try:
            while True:
                await self._wake.wait()
                await asyncio.sleep(self._gather_s)
                await self.turn(store)
        finally:
            if self._settling is not None:
                self._settling.cancel()

    async def turn(self, store: PresenceStore) -> None:
        """Reads who has changed and tells of them; while that cannot be read, they are kept for the next turn."""
        self._wake.clear()
        changed, self._changed = self._changed, {}
        users = [user for user_id in changed for user in self._by_id.get(user_id, ())]
        for start in range(0, len(users), MAX_READ):
            part = users[start : start + MAX_READ]
            try:
                await self._tell(store, part, changed)
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.error("presence cannot be told", exc_info=error)
                for user in part:
                    self.note(user.id, changed[user.id])

    async def _tell(self, store: PresenceStore, users: Sequence[User], changed: dict[str, bool]) -> None:
        found = await store.read(users)
        for user, record in zip(users, found.records, strict=True):
            watched = self._watched.get(user)
            if watched is None:
                continue
            others = seen_by_others(user.id, record, found.now_ms)
            own = seen_by_oneself(user.id, record, found.now_ms)
            came_online = changed[user.id] and others.state in CONNECTED
            is_news = came_online or watched.told != (others, own)
            told = list(watched.watchers) if is_news else [*watched.fresh]
            watched.told = others, own
            watched.fresh.clear()
            delta = Delta(user, others, own, came_online)
            for watcher in told:
                watcher.tell(delta)

    def _look_at_all(self) -> None:
        """Everybody is told again, since some may have been told `unknown`."""
        for watched in self._watched.values():
            watched.told = None
        for user_id in self._by_id:
            self.note(user_id, False)

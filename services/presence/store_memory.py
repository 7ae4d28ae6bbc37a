"""Presence in the memory of this process, for an installation that hosts the service once."""

import heapq
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from services.presence.domain import GRACE_MS, LEASE_MS, SEEN_MS, Custom, Device, Lease, Record, User
from services.presence.store import Bells, Found

MAX_KEPT = 100_000
"""Sayings, and last times, that are kept; of more the oldest are forgotten."""
_CUSTOM = ""
"""In place of a device: what the user says."""


class MemoryStore:
    """`clock` gives milliseconds since the epoch."""

    def __init__(self, bells: Bells, *, clock: Callable[[], int]) -> None:
        self._bells = bells
        self._clock = clock
        self._devices: defaultdict[User, dict[str, Device]] = defaultdict(dict)
        self._customs: OrderedDict[User, Custom] = OrderedDict()
        self._seen: OrderedDict[User, int] = OrderedDict()
        self._due: list[tuple[int, str, str, str]] = []
        """When to look at a device, or at what a user says. One that was renewed since is put back."""
        self._watched: set[str] = set()

    async def apply(self, connected: Sequence[Lease], renewed: Sequence[Lease], closed: Sequence[Lease]) -> None:
        now = self._clock()
        for lease in connected:
            self._hold(lease, now, is_new=True)
        for lease in renewed:
            self._hold(lease, now, is_new=False)
        for lease in closed:
            self._close(lease, now)

    async def read(self, users: Sequence[User]) -> Found:
        return Found(self._clock(), [self._record(user) for user in users])

    async def say(self, user: User, custom: Custom, *, came_online: bool) -> None:
        self._customs.pop(user, None)
        if not custom.is_empty:
            self._customs[user] = custom
            _bound(self._customs)
            if custom.expires_ms:
                self._look_at(custom.expires_ms, user, _CUSTOM)
        self._ring(user, came_online)

    async def forget(self, user_id: str) -> None:
        for kept in (self._devices, self._customs, self._seen):
            for user in [user for user in kept if user.id == user_id]:
                del kept[user]

    async def watch(self, user_ids: Collection[str]) -> None:
        self._watched.update(user_ids)
        for user_id in user_ids:
            self._bells.changed(user_id, False)

    async def unwatch(self, user_ids: Collection[str]) -> None:
        self._watched.difference_update(user_ids)

    async def sweep(self, limit: int) -> int:
        now, count = self._clock(), 0
        while self._due and self._due[0][0] <= now and count < limit:
            _, workspace_id, user_id, field = heapq.heappop(self._due)
            count += 1
            user = User(workspace_id, user_id)
            if field == _CUSTOM:
                self._end_custom(user, now)
            else:
                self._end_device(user, field, now)
        self._forget_old(now)
        return count

    def _hold(self, lease: Lease, now: int, *, is_new: bool) -> None:
        devices = self._devices[lease.user]
        old = devices.get(lease.field)
        was_live = old is not None and old.until_ms > now
        came_online = is_new and not any(device.until_ms > now for device in devices.values())
        devices[lease.field] = Device(now + LEASE_MS, now, lease.is_away)
        if old is None or old.is_closed:  # Otherwise it is going to be looked at already.
            self._look_at(now + LEASE_MS, lease.user, lease.field)
        if old is None or not was_live or old.is_closed or old.is_away != lease.is_away:
            self._ring(lease.user, came_online)

    def _close(self, lease: Lease, now: int) -> None:
        devices = self._devices.get(lease.user, {})
        device = devices.get(lease.field)
        if device is None or device.is_closed:
            return
        until = min(device.until_ms, now + GRACE_MS)
        devices[lease.field] = replace(device, until_ms=until, seen_ms=now, is_closed=True)
        self._look_at(until, lease.user, lease.field)
        self._ring(lease.user)

    def _end_device(self, user: User, field: str, now: int) -> None:
        devices = self._devices.get(user, {})
        device = devices.get(field)
        if device is None:
            return
        if device.until_ms > now:
            self._look_at(device.until_ms, user, field)
            return
        del devices[field]
        self._seen.pop(user, None)
        self._seen[user] = device.seen_ms
        _bound(self._seen)
        if not devices:
            del self._devices[user]
        self._ring(user)

    def _end_custom(self, user: User, now: int) -> None:
        custom = self._customs.get(user)
        if custom is not None and 0 < custom.expires_ms <= now:
            del self._customs[user]
            self._ring(user)

    def _forget_old(self, now: int) -> None:
        while self._seen and next(iter(self._seen.values())) < now - SEEN_MS:
            self._seen.popitem(last=False)

    def _record(self, user: User) -> Record:
        devices = tuple(self._devices.get(user, {}).values())
        return Record(devices, self._customs.get(user), self._seen.get(user, 0))

    def _look_at(self, at_ms: int, user: User, field: str) -> None:
        heapq.heappush(self._due, (at_ms, user.workspace_id, user.id, field))

    def _ring(self, user: User, came_online: bool = False) -> None:
        if user.id in self._watched:
            self._bells.changed(user.id, came_online)


def _bound(kept: OrderedDict[User, int] | OrderedDict[User, Custom]) -> None:
    while len(kept) > MAX_KEPT:
        kept.popitem(last=False)

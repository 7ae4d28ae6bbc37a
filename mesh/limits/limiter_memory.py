"""Accounts in the memory of this process."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from mesh.limits.gcra import level_ns, wait_ns
from mesh.limits.limiter import Charge, Decision

MAX_ACCOUNTS = 100_000
"""Beyond it the accounts that were looked at least recently are forgotten, as if they had been idle."""
_SWEPT = 2
"""Old accounts looked at for each new one, so that what has run empty is dropped faster than anything is added."""


class MemoryLimiter:
    """`clock` gives nanoseconds that only grow."""

    def __init__(self, *, clock: Callable[[], int] = time.monotonic_ns, max_accounts: int = MAX_ACCOUNTS) -> None:
        self._clock = clock
        self._max = max_accounts
        self._empty_at: OrderedDict[str, int] = OrderedDict()
        """By key, when the bucket will have run empty. One that has is as good as none."""

    def __len__(self) -> int:
        return len(self._empty_at)

    async def take(self, calls: Sequence[Sequence[Charge]]) -> list[list[Decision]]:
        now = self._clock()
        return [self._take(charges, now) for charges in calls]

    def _take(self, charges: Sequence[Charge], now: int) -> list[Decision]:
        found = []
        admitted = True
        for charge in charges:
            level, need = level_ns(self._empty_at.get(charge.key, 0), now), charge.need_ns
            wait = wait_ns(level, need, charge.policy.capacity_ns)
            admitted = admitted and not wait
            found.append((charge, level, need, wait))
        if not admitted:
            return [Decision(charge.policy, level, wait) for charge, level, _, wait in found]
        for charge, level, need, _ in found:
            self._keep(charge.key, now + level + need, now)
        return [Decision(charge.policy, level + need, 0) for charge, level, need, _ in found]

    def _keep(self, key: str, empty_at: int, now: int) -> None:
        known = key in self._empty_at
        self._empty_at[key] = empty_at
        if known:
            return
        for _ in range(_SWEPT):
            oldest, its_empty_at = self._empty_at.popitem(last=False)
            if its_empty_at > now:
                self._empty_at[oldest] = its_empty_at
        while len(self._empty_at) > self._max:
            self._empty_at.popitem(last=False)

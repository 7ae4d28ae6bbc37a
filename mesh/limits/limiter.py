"""The port of the limits: what is charged, what came of it, and who decides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from mesh.limits.gcra import need_ns

SECOND_NS = 1_000_000_000
_MILLISECOND_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """`burst` calls at once, and one more each `interval_ns`, for each of what `scope` names, such as `user`."""

    name: str
    scope: str
    burst: int
    interval_ns: int

    @property
    def capacity_ns(self) -> int:
        return self.burst * self.interval_ns

    @property
    def window_s(self) -> int:
        """Whole seconds in which a spent burst comes back."""
        return math.ceil(self.capacity_ns / SECOND_NS)

    @property
    def rate(self) -> float:
        """Calls a second, in the long run."""
        return SECOND_NS / self.interval_ns


@cache
def share(policy: Policy, processes: int) -> Policy:
    """What one of so many processes may let pass by itself, so that all together keep to the policy.

    The burst is at least 1: beyond that many processes they let more pass at once, but not in the long run.
    """
    burst = max(policy.burst // processes, 1)
    return Policy(policy.name, policy.scope, burst, policy.interval_ns * processes)


@dataclass(frozen=True, slots=True)
class Charge:
    """`cost` calls of `policy`, on the account that `key` names; keys of different policies differ."""

    policy: Policy
    key: str
    cost: int = 1

    @property
    def need_ns(self) -> int:
        return need_ns(self.policy.interval_ns, self.policy.burst, self.cost)


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a charge: how full its account is now, and how long it would have to wait, 0 for not at all."""

    policy: Policy
    level_ns: int
    wait_ns: int

    @property
    def remaining(self) -> int:
        """Calls that would pass at once."""
        return (self.policy.capacity_ns - self.level_ns) // self.policy.interval_ns

    @property
    def reset_s(self) -> int:
        """Whole seconds until the burst is whole again."""
        return -(-self.level_ns // SECOND_NS)

    @property
    def retry_after_s(self) -> float:
        """After so long the call passes, unless others come first. Whole milliseconds, rounded up."""
        return -(-self.wait_ns // _MILLISECOND_NS) / 1000


class Limiter(Protocol):
    """Keeps the accounts. What it keeps is small and may be forgotten: then limits begin anew, and are never open."""

    async def take(self, calls: Sequence[Sequence[Charge]]) -> list[list[Decision]]:
        """Takes the charges of each call, one call after the other; a decision for each charge.

        All charges of a call are taken, or none when one has to wait. Never raises for a store that does not answer.
        """
        ...

"""How much of a limit is left, as it is told: `RateLimit: "send";r=49;t=1` and `RateLimit-Policy: "send";q=50;w=5`.

The form is that of the IETF draft (draft-ietf-httpapi-ratelimit-headers): remaining calls and seconds until all are
back; calls at once and seconds in which they come back. gRPC carries both as trailing metadata of the same names.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mesh.limits.limiter import Decision

LIMIT, POLICY = "ratelimit", "ratelimit-policy"
_LIMIT = re.compile(r'"([\w.-]{1,40})";r=(\d{1,15});t=(\d{1,15})')
_POLICY = re.compile(r'"([\w.-]{1,40})";q=(\d{1,15});w=(\d{1,15})')


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one limit."""

    name: str
    remaining: int
    reset_s: int
    quota: int
    window_s: int

    @classmethod
    def of(cls, decision: Decision) -> "Left":
        policy = decision.policy
        return cls(policy.name, decision.remaining, decision.reset_s, policy.burst, policy.window_s)


def tightest(decisions: Sequence[Decision]) -> Decision:
    """The one that refuses for longest, or else the one that will refuse first."""
    return max(decisions, key=lambda decision: (decision.wait_ns, -decision.remaining))


def written(limits: Iterable[Left]) -> dict[str, str]:
    """Both values, each a list with an item for each limit."""
    limits = list(limits)
    return {
        LIMIT: ", ".join(f'"{left.name}";r={left.remaining};t={left.reset_s}' for left in limits),
        POLICY: ", ".join(f'"{left.name}";q={left.quota};w={left.window_s}' for left in limits),
    }


def read(values: Mapping[str, str]) -> list[Left]:
    """What both values tell of, in order; limits that only one of them names are passed over."""
    policies = {name: (int(q), int(w)) for name, q, w in _POLICY.findall(values.get(POLICY, ""))}
    found = _LIMIT.findall(values.get(LIMIT, ""))
    return [Left(name, int(r), int(t), *policies[name]) for name, r, t in found if name in policies]

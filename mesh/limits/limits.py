"""The limits of a process: which accounts a call is charged to, and what is said when one of them has to wait."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network, ip_address

from google.protobuf.message import Message

from mesh.call.context import RequestContext
from mesh.errors import Exhausted, Limit
from mesh.identity.principal import DEFAULT_WORKSPACE, Principal
from mesh.limits import overrides
from mesh.limits.classes import ACCOUNT, ADDRESS, EDGE, USER, Classes, class_name, defaults, widened
from mesh.limits.headers import tightest
from mesh.limits.limiter import Charge, Decision, Limiter
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.policy.methods import policy_of
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics

_V6_NETWORK = 64
"""Bits of an IPv6 address that name a customer; the rest is theirs to choose."""


class Limits:
    """The table, and who keeps the accounts."""

    def __init__(self, classes: Classes, limiter: Limiter, metrics: Metrics | None = None) -> None:
        self.classes = classes
        self._limiter = limiter
        self._metrics = metrics
        self.are_off = not any(classes.values())
        """Whether nothing is ever charged."""

    def of_call(self, method: str, context: RequestContext, message: Message | None) -> list[Charge]:
        """What a call is charged. `message` is None for a stream of requests."""
        policy = policy_of(method)
        named = str(getattr(message, policy.rate_field)) if policy.rate_field and message is not None else ""
        workspace = str(getattr(message, "workspace_id", "")) if context.principal is None else ""
        return self.of_class(class_name(policy.rate_class), context, named=named, workspace=workspace)

    def of_class(self, name: str, context: RequestContext, *, named: str = "", workspace: str = "") -> list[Charge]:
        """What a call of a class is charged; `named` is the value of the method's `rate_field`."""
        charges = []
        for scope, policy in self.classes.get(name, {}).items():
            if key := _account(scope, context, named, workspace):
                charges.append(Charge(policy, f"{name}.{scope}:{key}"))
        return charges

    def of_request(self, principal: Principal | None, address: str) -> list[Charge]:
        """What anything that comes in at the edge is charged."""
        return self.of_class(EDGE, RequestContext(principal=principal, address=address))

    async def take(self, charges: Sequence[Charge]) -> list[Decision]:
        """Takes the charges of one call: all, or none when one has to wait."""
        return (await self.take_each((charges,)))[0]

    async def take_each(self, calls: Sequence[Sequence[Charge]]) -> list[list[Decision]]:
        """The same for several calls, in their order, each by itself."""
        if not any(calls):
            return [[] for _ in calls]
        decided = await self._limiter.take(calls)
        if self._metrics is not None:
            for decisions in decided:
                for decision in decisions:
                    if decision.wait_ns:
                        self._metrics.rate_limited.labels(decision.policy.name, decision.policy.scope).inc()
        return decided


def refusal(decisions: Sequence[Decision]) -> Exhausted | None:
    """Why the call that was charged has to wait; None when it does not."""
    if not any(decision.wait_ns for decision in decisions):
        return None
    decision = tightest(decisions)
    policy, wait_s = decision.policy, decision.retry_after_s
    return Exhausted(
        "RATE_LIMITED",
        f"Too many calls of the class `{policy.name}` for this {policy.scope}. Wait {wait_s:g} s.",
        retry_after_s=wait_s,
        limit=Limit(policy.name, policy.scope),
    )


def unlimited() -> Limits:
    """Limits that let everything pass."""
    return Limits(overrides.read(overrides.OFF), MemoryLimiter())


@asynccontextmanager
async def open_limits(settings: Settings, metrics: Metrics, *, kind: str) -> AsyncIterator[Limits]:
    """The limits that the settings ask for. `kind` names the processes that share what is charged here.

    Raises OSError for a URL that is none.
    """
    classes = overrides.read(settings.limits, widened() if settings.env == "dev" else defaults())
    url = settings.limits_url or settings.presence_url
    if not url or not any(classes.values()):
        yield Limits(classes, MemoryLimiter(), metrics)
        return
    from mesh.limits.limiter_redis import open_redis

    async with AsyncExitStack() as stack:
        opened = open_redis(url, kind=kind, on_change=lambda answers: metrics.limits_alone.set(not answers))
        try:
            limiter = await stack.enter_async_context(opened)
        except ValueError as error:
            raise OSError(f"CHAT_LIMITS_URL: {error}") from error
        yield Limits(classes, limiter, metrics)


def _account(scope: str, context: RequestContext, named: str, workspace: str) -> str:
    """Whose account of a scope is charged; empty when nobody's is."""
    principal = context.principal
    if scope == USER:
        return _caller(principal) if principal is not None else ""
    if scope == ADDRESS:
        return _from_outside(context) if principal is None else ""
    if named:
        place = principal.workspace_id if principal is not None else workspace or DEFAULT_WORKSPACE
        # Names are compared without case, as accounts are. Hashed, since they are as long as the caller likes.
        return hashlib.blake2b(f"{place}\0{named.lower()}".encode(), digest_size=16).hexdigest()
    if scope == ACCOUNT and principal is not None:
        return principal.user_id
    return ""


def _caller(principal: Principal) -> str:
    return principal.user_id if principal.scopes is None else f"key:{principal.session_id}"


def _from_outside(context: RequestContext) -> str:
    """Where a stranger calls from. A process of ours that speaks for nobody is not one."""
    if not context.address:
        return "" if context.is_mesh else "unknown"
    return network(context.address)


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """Whom an address belongs to, as far as it tells; itself when it is none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, _V6_NETWORK), strict=False))

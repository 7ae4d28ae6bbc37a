"""The port to where idempotency keys are kept. A claim is a call's right to run; whoever has it is the only one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """A call that wants to run. After `leased_until` it is taken for dead; it is forgotten after `expires_at`."""

    hash: bytes
    workspace_id: str
    fingerprint: bytes
    leased_until: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier call with the key has left: its request, and its answer, which is None while it may still run."""

    fingerprint: bytes
    answer: bytes | None


class IdempotencyStore(Protocol):
    """The keys of one service, shared by all of its processes."""

    async def claim(self, claim: Claim, now: datetime) -> Kept | None:
        """None when the call may run: it is the first, or those before it are dead or forgotten.

        Of several at the same time one may run.
        """
        ...

    async def finish(self, claim: Claim, answer: bytes) -> bool:
        """Keeps the answer of the call that had the claim; False when another has taken it over."""
        ...

    async def release(self, claim: Claim) -> None:
        """Gives a claim back, so that the next call runs. Does nothing when another has taken it over."""
        ...

    async def sweep(self, now: datetime, limit: int) -> int:
        """Removes up to `limit` keys that are forgotten; how many they were."""
        ...

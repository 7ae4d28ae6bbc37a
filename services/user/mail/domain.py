"""A mail on its way, and when it is tried again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MAX_ATTEMPTS = 12
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
"""Twelve attempts take about a day: a mail server may be away for so long."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A whole message to one user, as it goes over the wire. It holds secrets: links."""

    id: str
    workspace_id: str
    user_id: str
    content: bytes = field(repr=False)
    created_at: datetime


def next_try(attempts: int, now: datetime, uniform: Callable[[float, float], float]) -> datetime | None:
    """When to try again after so many attempts, at least one; None when it is enough.

    The pauses double, and are shortened by up to a half: what failed together does not come back together.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << (attempts - 1)))
    return now + longest * uniform(0.5, 1.0)

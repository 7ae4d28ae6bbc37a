"""What it costs to count a call: in memory, and in a Redis where CHAT_TEST_REDIS_URL names one."""

import asyncio
import os
from contextlib import AsyncExitStack
from functools import partial
from uuid import uuid4

from bench.calls import RUNS, measure
from bench.table import Table
from mesh.limits.classes import policy
from mesh.limits.limiter import Charge, Limiter
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.limits.limiter_redis import open_redis

REDIS = os.environ.get("CHAT_TEST_REDIS_URL", "")
AT_ONCE = 50
SCOPES = [policy("send", scope, burst=1_000_000, calls=1_000_000, seconds=1) for scope in ("user", "conversation")]
"""So wide that nothing is refused: a refusal costs less."""


def messages() -> list[list[Charge]]:
    """What messages are charged: each to a user and a conversation of its own."""
    return [[Charge(each, f"send.{each.scope}:{number}") for each in SCOPES] for number in range(AT_ONCE)]


async def one(limiter: Limiter, calls: list[list[Charge]]) -> int:
    """Takes each call by itself, one after the other."""
    for charges in calls:
        await limiter.take([charges])
    return len(calls)


async def together(limiter: Limiter, calls: list[list[Charge]]) -> int:
    """Takes each call by itself, all at the same time."""
    await asyncio.gather(*[limiter.take([charges]) for charges in calls])
    return len(calls)


async def frame(limiter: Limiter, calls: list[list[Charge]]) -> int:
    """Takes all calls in one go, as those of a Relay frame."""
    await limiter.take(calls)
    return len(calls)


async def table() -> Table:
    found = Table(
        "Limits",
        ("", "µs wall", "µs CPU"),
        f"To count a message, by its user and by its conversation. The least of {RUNS} runs, per message; CPU is\n"
        "that of this process alone.",
    )
    async with AsyncExitStack() as stack:
        limiters: dict[str, Limiter] = {"memory": MemoryLimiter()}
        if REDIS:
            opened = open_redis(REDIS, kind="bench", prefix=f"bench:{uuid4().hex}:")
            limiters["Redis"] = await stack.enter_async_context(opened)
        calls = messages()
        for name, limiter in limiters.items():
            for way, work in (
                ("one at a time", one),
                (f"{AT_ONCE} at a time", together),
                (f"{AT_ONCE} in a frame", frame),
            ):
                times = 200 if name == "memory" else 20
                found.rows.append(await measure(f"{name}, {way}", times, partial(work, limiter, calls)))
    return found

"""Accounts in Redis, which all processes share. One script call takes what came while the one before was under way.

When Redis does not answer, each process goes on by itself with its share of every limit, and tries again beside it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from mesh.background import background
from mesh.limits.limiter import Charge, Decision, Limiter, share
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.limits.script_redis import BEAT_S, PREFIX, Script
from mesh.waiting import wait

log = structlog.get_logger(__name__)

ANSWER_S = 0.25
"""How long Redis may take to answer, connecting included. Nobody waits longer for a limit."""
LATE_S = 0.02
"""Beside it: a process that was busy itself for so long finds the answer there, and must not take Redis for dead."""
RETRY_S = 0.5
MAX_CHARGES = 1000
"""In one script call: Redis does nothing else for a few milliseconds then."""
MAX_WAITING = 20_000
CONNECTIONS = 2

Calls = Sequence[Sequence[Charge]]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    calls: Calls
    decided: "asyncio.Future[list[list[Decision]]]"

    @property
    def size(self) -> int:
        return sum(map(len, self.calls))


class RedisLimiter:
    """`on_change` hears whether Redis answers, each time that changes. `run` has to be running."""

    def __init__(self, script: Script, local: Limiter, *, on_change: Callable[[bool], object] = lambda _: None) -> None:
        self._script, self._local, self._on_change = script, local, on_change
        self._answers = True
        self._waiting: deque[_Waiter] = deque()
        self._under_way: list[_Waiter] = []
        self._size = 0
        self._wake = asyncio.Event()

    async def take(self, calls: Calls) -> list[list[Decision]]:
        size = sum(map(len, calls))
        if not self._answers or self._size + size > MAX_WAITING:
            return await self._alone(calls)
        waiters = [_Waiter(part, asyncio.get_running_loop().create_future()) for part in _parts(calls)]
        self._waiting.extend(waiters)
        self._size += size
        self._wake.set()
        return [decisions for waiter in waiters for decisions in await waiter.decided]

    async def run(self) -> None:
        """Asks Redis for all who wait, until it is cancelled. From then on everything is decided here."""
        try:
            while True:
                if not self._waiting:
                    await self._woken()
                try:
                    await self._turn()
                except Exception as error:  # Whatever it is: who waits has to hear something.
                    await self._outage(error)
        finally:
            self._answers = False
            await self._release()

    async def _woken(self) -> None:
        self._wake.clear()
        await wait(self._wake, BEAT_S)

    async def _turn(self) -> None:
        """One script call, for as many of those who wait as it takes."""
        size = 0
        while self._waiting and (not self._under_way or size + self._waiting[0].size <= MAX_CHARGES):
            waiter = self._waiting.popleft()
            self._under_way.append(waiter)
            size += waiter.size
        self._size -= size
        told = iter(await self._ask([charges for waiter in self._under_way for charges in waiter.calls]))
        for waiter in self._under_way:
            decided = [next(told) for _ in waiter.calls]
            if not waiter.decided.done():
                waiter.decided.set_result(decided)
        self._under_way.clear()

    async def _ask(self, calls: Calls) -> list[list[Decision]]:
        question = asyncio.ensure_future(self._script.run(calls))
        try:
            for seconds in (ANSWER_S, LATE_S):
                await asyncio.wait((question,), timeout=seconds)
                if question.done():
                    return question.result()
            raise TimeoutError(f"no answer within {ANSWER_S:g} s")
        finally:
            question.cancel()

    async def _outage(self, error: Exception) -> None:
        """Decides here, and tries in the background, until Redis answers again."""
        self._answers = False
        self._on_change(False)
        log.warning(
            "redis does not answer, limits are kept by shares", error=repr(error), processes=self._script.processes
        )
        await self._release()
        while not self._answers:
            await asyncio.sleep(RETRY_S)
            with suppress(Exception):
                await self._ask([])
                self._answers = True
        self._on_change(True)
        log.info("redis answers, limits are shared again")

    async def _release(self) -> None:
        """Nobody is left waiting for Redis."""
        waiters = [*self._under_way, *self._waiting]
        self._under_way.clear()
        self._waiting.clear()
        self._size = 0
        for waiter in waiters:
            if not waiter.decided.done():
                waiter.decided.set_result(await self._alone(waiter.calls))

    async def _alone(self, calls: Calls) -> list[list[Decision]]:
        count = self._script.processes
        return await self._local.take(
            [[Charge(share(charge.policy, count), charge.key, charge.cost) for charge in charges] for charges in calls]
        )


def _parts(calls: Calls) -> Iterator[Calls]:
    """As many calls in a row as go into one script call."""
    first = size = 0
    for index, charges in enumerate(calls):
        size += len(charges)
        if size > MAX_CHARGES and index > first:
            yield calls[first:index]
            first, size = index, len(charges)
    yield calls[first:]


@asynccontextmanager
async def open_redis(
    url: str,
    *,
    kind: str,
    prefix: str = PREFIX,
    ahead_ns: Callable[[], int] = lambda: 0,
    on_change: Callable[[bool], object] = lambda _: None,
) -> AsyncIterator[RedisLimiter]:
    """A limiter on the Redis at `url`, which need not be there. Raises ValueError for a URL that names none."""
    redis = Redis.from_url(
        url,
        socket_connect_timeout=ANSWER_S,
        socket_timeout=4 * ANSWER_S,  # Only a backstop: nobody waits for it.
        retry=Retry(NoBackoff(), 0),
        max_connections=CONNECTIONS,
    )
    script = Script(redis, kind=kind, prefix=prefix, ahead_ns=ahead_ns)
    limiter = RedisLimiter(script, MemoryLimiter(), on_change=on_change)
    try:
        async with background(limiter.run(), "limits"):
            yield limiter
    finally:
        await redis.aclose()

"""Accounts in Redis, which all processes share. One script call takes what came while the one before was under way.

When Redis does not answer, each process goes on by itself with its share of every limit, and tries again beside it.
"""

import asyncio
import hashlib
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from mesh.limits.limiter import Charge, Decision, Limiter, share
from mesh.limits.limiter_memory import MemoryLimiter

log = structlog.get_logger(__name__)

ANSWER_S = 0.25
"""How long Redis may take to answer, connecting included. Nobody waits longer for a limit."""
RETRY_S = 0.5
BEAT_S, ALIVE_S = 5.0, 15
"""How often a process says that it is there, and how long it counts from then on."""
UNKNOWN_PROCESSES = 4
"""How many there are taken to be while Redis has never told."""
MAX_CHARGES = 1000
"""In one script call: Redis does nothing else for a few milliseconds then."""
MAX_WAITING = 20_000
CONNECTIONS = 2

# Numbers in Lua are doubles: counted from the epoch below, nanoseconds keep their place within 64 until 2035.
_TAKE = """
local clock = redis.call('TIME')
local now = (clock[1] - 1700000000) * 1e9 + clock[2] * 1e3 + ARGV[1]
local told = {0}
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], clock[1], ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', clock[1] - ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  told[1] = redis.call('ZCARD', KEYS[1])
end
if #KEYS == 1 then
  return told
end
local found = redis.call('MGET', unpack(KEYS, 2))
local empty_at, taken = {}, {}
for i = 2, #KEYS do
  empty_at[KEYS[i]] = tonumber(found[i - 1] or 0)
end
local key, arg = 2, 4
while key <= #KEYS do
  local last, admitted = key + ARGV[arg] - 1, true
  local levels, needs, waits = {}, {}, {}
  for i = key, last do
    local at = arg + 1 + 2 * (i - key)
    levels[i] = math.max(empty_at[KEYS[i]] - now, 0)
    needs[i] = tonumber(ARGV[at])
    waits[i] = math.max(levels[i] + needs[i] - ARGV[at + 1], 0)
    admitted = admitted and waits[i] == 0
  end
  for i = key, last do
    if admitted then
      levels[i] = levels[i] + needs[i]
      empty_at[KEYS[i]] = now + levels[i]
      taken[KEYS[i]] = levels[i]
    end
    told[#told + 1] = levels[i]
    told[#told + 1] = waits[i]
  end
  arg = arg + 1 + 2 * (last - key + 1)
  key = last + 1
end
for name, level in pairs(taken) do
  redis.call('SET', name, string.format('%.0f', empty_at[name]), 'PX', math.ceil(level / 1e6) + 1)
end
return told
"""
_SHA = hashlib.sha1(_TAKE.encode(), usedforsecurity=False).hexdigest()

Calls = Sequence[Sequence[Charge]]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    calls: Calls
    decided: "asyncio.Future[list[list[Decision]]]"

    @property
    def size(self) -> int:
        return sum(map(len, self.calls))


class RedisLimiter:
    """`kind` names the processes that charge the same accounts. `ahead_ns` is added to the server's time, for tests.

    `on_change` hears whether Redis answers, each time that changes. `run` has to be running.
    """

    def __init__(
        self,
        redis: "Redis",
        local: Limiter,
        *,
        kind: str,
        prefix: str = "chat:limits:",
        ahead_ns: Callable[[], int] = lambda: 0,
        on_change: Callable[[bool], object] = lambda _: None,
    ) -> None:
        self._redis, self._local = redis, local
        self._prefix, self._ahead_ns, self._on_change = prefix, ahead_ns, on_change
        self._peers, self._name = f"{prefix}processes:{kind}", uuid4().hex
        self._processes = UNKNOWN_PROCESSES
        self._beat_at = -math.inf
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
        """Asks Redis for all who wait, until it is cancelled. From then on every process of one decides here."""
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
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT_S):
                await self._wake.wait()

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
        now = time.monotonic()
        beat = now - self._beat_at >= BEAT_S
        keys: list[str] = [self._peers]
        arguments: list[str | int] = [self._ahead_ns(), self._name if beat else "", ALIVE_S]
        for charges in calls:
            arguments.append(len(charges))
            for charge in charges:
                keys.append(self._prefix + charge.key)
                arguments += (charge.need_ns, charge.policy.capacity_ns)
        async with asyncio.timeout(ANSWER_S):
            processes, *told = await self._run_script(keys, arguments)
        if beat:
            self._beat_at, self._processes = now, processes
        pairs = zip(told[::2], told[1::2], strict=True)
        return [[Decision(charge.policy, *next(pairs)) for charge in charges] for charges in calls]

    async def _run_script(self, keys: Sequence[str], arguments: Sequence[str | int]) -> Sequence[int]:
        try:
            return cast(Sequence[int], await self._redis.evalsha(_SHA, len(keys), *keys, *arguments))
        except NoScriptError:
            return cast(Sequence[int], await self._redis.eval(_TAKE, len(keys), *keys, *arguments))

    async def _outage(self, error: Exception) -> None:
        """Decides here, and tries in the background, until Redis answers again."""
        self._answers = False
        self._on_change(False)
        log.warning("redis does not answer, limits are kept by shares", error=repr(error), share=self._processes)
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
        count = self._processes
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
async def open_redis(url: str, *, kind: str, on_change: Callable[[bool], object]) -> AsyncIterator[RedisLimiter]:
    """A limiter on the Redis at `url`, which need not be there. Raises ValueError for a URL that names none."""
    redis = Redis.from_url(
        url,
        socket_connect_timeout=ANSWER_S,
        socket_timeout=ANSWER_S,
        retry=Retry(NoBackoff(), 0),
        max_connections=CONNECTIONS,
    )
    limiter = RedisLimiter(redis, MemoryLimiter(), kind=kind, on_change=on_change)
    task = asyncio.create_task(limiter.run(), name="limits")
    try:
        yield limiter
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await redis.aclose()

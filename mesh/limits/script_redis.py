"""The accounts in Redis: one script takes the charges of many calls in one round trip, by the clock of the server."""

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from typing import cast
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from mesh.limits.limiter import Charge, Decision

PREFIX = "chat:limits:"
BEAT_S, ALIVE_S = 5.0, 15
"""How often a process says that it is there, and how long it counts from then on."""
UNKNOWN_PROCESSES = 4
"""How many there are taken to be while Redis has never told."""

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


class Script:
    """`kind` names the processes that charge the same accounts. `ahead_ns` is added to the server's time, for tests."""

    def __init__(
        self, redis: Redis, *, kind: str, prefix: str = PREFIX, ahead_ns: Callable[[], int] = lambda: 0
    ) -> None:
        self._redis, self._prefix, self._ahead_ns = redis, prefix, ahead_ns
        self._peers, self._name = f"{prefix}processes:{kind}", uuid4().hex
        self._beat_at = -math.inf
        self.processes = UNKNOWN_PROCESSES
        """How many of the kind there were when last heard of."""

    async def run(self, calls: Sequence[Sequence[Charge]]) -> list[list[Decision]]:
        """Takes the charges of each call, as a limiter does. Raises what the driver raises."""
        now = time.monotonic()
        beat = now - self._beat_at >= BEAT_S
        keys: list[str] = [self._peers]
        arguments: list[str | int] = [self._ahead_ns(), self._name if beat else "", ALIVE_S]
        for charges in calls:
            arguments.append(len(charges))
            for charge in charges:
                keys.append(self._prefix + charge.key)
                arguments += (charge.need_ns, charge.policy.capacity_ns)
        processes, *told = await self._evaluate(keys, arguments)
        if beat:
            self._beat_at, self.processes = now, processes
        pairs = zip(told[::2], told[1::2], strict=True)
        return [[Decision(charge.policy, *next(pairs)) for charge in charges] for charges in calls]

    async def _evaluate(self, keys: Sequence[str], arguments: Sequence[str | int]) -> Sequence[int]:
        try:
            return cast(Sequence[int], await self._redis.evalsha(_SHA, len(keys), *keys, *arguments))
        except NoScriptError:
            return cast(Sequence[int], await self._redis.eval(_TAKE, len(keys), *keys, *arguments))

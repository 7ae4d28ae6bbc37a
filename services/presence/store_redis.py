"""Presence in Redis, which all processes share. While it does not answer, nobody waits for it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast
from uuid import uuid4

import orjson
import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from mesh.errors import Error, Unavailable
from services.presence import script_redis as scripts
from services.presence.channels_redis import Channels
from services.presence.domain import CUSTOM_MS, Custom, Device, Lease, Record, Status, User
from services.presence.store import Bells, Found

PREFIX = "presence:"
ANSWER_S = 0.4
"""How long Redis may take to answer, connecting included."""
LATE_S = 0.05
"""Beside it: a process that was busy itself for so long finds the answer there, and must not take Redis for dead."""
CONNECTIONS = 8
MAX_LEASES = 100
"""In one script call: Redis does nothing else for a few milliseconds then."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


class RedisStore:
    """`ahead_ms` is added to the clock of the server, for tests. A sweep is what finds out that Redis is back."""

    def __init__(
        self, redis: Redis, channels: Channels, bells: Bells, *, prefix: str, ahead_ms: Callable[[], int]
    ) -> None:
        self._redis, self._channels, self._bells = redis, channels, bells
        self._prefix, self._ahead_ms = prefix, ahead_ms
        self._answers = True
        self._epoch = ""

    async def apply(self, connected: Sequence[Lease], renewed: Sequence[Lease], closed: Sequence[Lease]) -> None:
        wanted = [(0, lease) for lease in connected] + [(1, lease) for lease in renewed] + [(2, x) for x in closed]
        for start in range(0, len(wanted), MAX_LEASES):
            part = wanted[start : start + MAX_LEASES]
            counts = [sum(kind == which for kind, _ in part) for which in range(3)]
            arguments = [text for _, lease in part for text in _arguments(lease)]
            self._know(await self._ask(self._run(scripts.APPLY, *counts, *arguments)))

    async def read(self, users: Sequence[User]) -> Found:
        (seconds, micros), customs, last_seen, *devices = await self._ask(self._fetch(users))
        now_ms = int(seconds) * 1000 + int(micros) // 1000 + self._ahead_ms()
        rows = zip(users, customs, last_seen, devices, strict=True)
        return Found(now_ms, [_record(user, custom, seen, entries) for user, custom, seen, entries in rows])

    async def say(self, user: User, custom: Custom, *, came_online: bool) -> None:
        text = b"" if custom.is_empty else _said(user, custom)
        arguments = (user.id, user.workspace_id, text, custom.expires_ms, int(came_online), CUSTOM_MS)
        self._know(await self._ask(self._run(scripts.SAY, *arguments)))

    async def forget(self, user_id: str) -> None:
        self._know(await self._ask(self._run(scripts.FORGET, user_id)))

    async def watch(self, user_ids: Collection[str]) -> None:
        self._channels.watch(user_ids)

    async def unwatch(self, user_ids: Collection[str]) -> None:
        self._channels.unwatch(user_ids)

    async def sweep(self, limit: int) -> int:
        epoch, count = await self._ask(self._run(scripts.SWEEP, limit), always=True)
        self._know(epoch)
        return int(count)

    async def _fetch(self, users: Sequence[User]) -> Sequence[Any]:
        ids = [user.id for user in users]
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.mget([f"{self._prefix}custom:{id_}" for id_ in ids])
            pipe.mget([f"{self._prefix}seen:{id_}" for id_ in ids])
            for id_ in ids:
                pipe.hvals(f"{self._prefix}{id_}")
            return cast(Sequence[Any], await pipe.execute())

    async def _run(self, script: str, *arguments: str | bytes | int) -> Any:
        common = (self._prefix, self._ahead_ms(), uuid4().hex)
        try:
            return await self._redis.evalsha(_sha(script), 0, *common, *arguments)
        except NoScriptError:
            return await self._redis.eval(script, 0, *common, *arguments)

    async def _ask(self, question: Awaitable[T], *, always: bool = False) -> T:
        """The answer. While there was none the last time, only what `always` asks finds out whether there is now."""
        task = asyncio.ensure_future(question)
        try:
            if not self._answers and not always:
                raise _unavailable()
            for seconds in (ANSWER_S, LATE_S):
                await asyncio.wait((task,), timeout=seconds)
                if task.done():
                    answer = task.result()
                    self._back()
                    return answer
            raise TimeoutError(f"no answer within {ANSWER_S:g} s")
        except (RedisError, OSError, TimeoutError) as error:
            if self._answers:
                log.warning("redis does not answer, presence is unknown", error=repr(error))
            self._answers = False
            raise _unavailable() from None
        finally:
            task.cancel()

    def _back(self) -> None:
        if not self._answers:
            log.info("redis answers, presence is known again")
            self._answers = True
            self._bells.lost()  # What connected meanwhile is missing.

    def _know(self, epoch: bytes) -> None:
        known, self._epoch = self._epoch, epoch.decode()
        if known not in ("", self._epoch):
            log.warning("redis has lost its data, presence is announced again")
            self._bells.lost()


@asynccontextmanager
async def open_redis(
    url: str, bells: Bells, *, prefix: str = PREFIX, ahead_ms: Callable[[], int] = lambda: 0
) -> AsyncIterator[RedisStore]:
    """A store on the Redis at `url`, which need not be there. Raises ValueError for a URL that names none."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=ANSWER_S,
        socket_connect_timeout=ANSWER_S,
        socket_timeout=4 * ANSWER_S,  # Only a backstop: nobody waits for it.
        retry=Retry(NoBackoff(), 0),
    )
    redis = Redis.from_pool(pool)
    channels = Channels(redis, f"{prefix}changes:", bells)
    try:
        async with channels.listening():
            yield RedisStore(redis, channels, bells, prefix=prefix, ahead_ms=ahead_ms)
    finally:
        await redis.aclose()


def _sha(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def _unavailable() -> Error:
    return Unavailable("UNAVAILABLE", "Presence cannot be told now. Try again.", retry_after_s=1)


def _arguments(lease: Lease) -> tuple[str, str, str, bytes]:
    """A lease as the script takes it: the end of the entry is written there."""
    entry = {
        "status": "away" if lease.is_away else "online",
        "device": lease.device_id,
        "socketId": lease.socket_id,
        "node": lease.gateway_id,
        "workspace": lease.user.workspace_id,
    }
    return lease.user.id, lease.user.workspace_id, lease.field, orjson.dumps(entry)[:-1]


def _said(user: User, custom: Custom) -> bytes:
    return orjson.dumps(
        {
            "workspace": user.workspace_id,
            "status": custom.status.name.lower(),
            "message": custom.message,
            "emoji": custom.emoji,
            "expiresAt": custom.expires_ms,
            "hiddenSince": custom.hidden_ms,
        }
    )


def _record(user: User, custom: bytes | None, seen: bytes | None, entries: Sequence[bytes]) -> Record:
    """What belongs to the user in their workspace."""
    devices = [entry for entry in map(orjson.loads, entries) if entry["workspace"] == user.workspace_id]
    said, last = _own(user, custom), _own(user, seen)
    return Record(
        [
            Device(entry["leaseUntil"], entry["lastSeen"], entry["status"] == "away", entry.get("closed", False))
            for entry in devices
        ],
        said
        and Custom(
            Status[said["status"].upper()], said["message"], said["emoji"], said["expiresAt"], said["hiddenSince"]
        ),
        last["lastSeen"] if last else 0,
    )


def _own(user: User, text: bytes | None) -> Any:
    found = orjson.loads(text) if text else None
    return found if found and found["workspace"] == user.workspace_id else None

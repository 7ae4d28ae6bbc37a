"""Password hashes: Argon2id, computed in a few threads of their own behind a short queue.

A hash costs 19 MiB and some 20 ms of a core by design, so how many run and wait at once decides what a flood of
log-ins does to everything else.
"""

import asyncio
import os
import secrets
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from mesh.errors import Unavailable

MAX_WAITING = 32
NICENESS = 5

T = TypeVar("T")


class Passwords:
    """Hashes and verifies. All but `is_outdated` raise Unavailable (OVERLOADED) when too much waits."""

    def __init__(self, hasher: PasswordHasher, pool: ThreadPoolExecutor, *, limit: int) -> None:
        self._hasher = hasher
        self._pool = pool
        self._places = BoundedSemaphore(limit)
        self._nobodys_hash = _hash_of_nothing(hasher)

    async def hash(self, password: str) -> str:
        """A new hash of `password`, with its salt and parameters."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether `password` made `password_hash`. None is of nobody: it takes as long, and no password fits."""
        return await self._run(lambda: self._matches(password, password_hash or self._nobodys_hash))

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than new hashes are."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Unavailable("OVERLOADED", "Too many are logging in at this moment. Try again.", retry_after_s=1)
        future = self._pool.submit(work)
        # Given back by the work and not by its caller, who may have left: a thread is busy until the hash is done.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)


@contextmanager
def open_passwords() -> Iterator[Passwords]:
    """Passwords at OWASP's floor for Argon2id, on all cores but one."""
    workers = max(1, (os.cpu_count() or 1) - 1)
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    with ThreadPoolExecutor(workers, thread_name_prefix="password", initializer=_stand_back) as pool:
        yield Passwords(hasher, pool, limit=workers + MAX_WAITING)


def _stand_back() -> None:
    """Lets everything else of the process go first: whoever logs in waits a moment, so that nobody else does."""
    with suppress(OSError, AttributeError):  # Where threads have no priority of their own.
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """A well-formed hash that belongs to no password, made without computing one."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${digest}"

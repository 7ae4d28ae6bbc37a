"""Password hashes, and the bound on how many are computed at once."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from mesh.errors import Unavailable
from services.user.passwords import MAX_WAITING, NICENESS, Passwords, open_passwords

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class GatedHasher(PasswordHasher):
    """Hashes only while the gate is open."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.gate = threading.Event()
        self.started = 0

    def hash(self, *args: Any, **kwargs: Any) -> str:
        self.started += 1
        self.gate.wait(10)
        return super().hash(*args, **kwargs)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    with ThreadPoolExecutor(1) as pool:
        yield Passwords(CHEAP, pool, limit=4)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_verifies_what_it_hashed(passwords: Passwords) -> None:
    """The right password fits, any other does not, and equal passwords have different hashes."""
    one, two = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert one != two
    assert await passwords.verify("correct horse", one)
    assert not await passwords.verify("Correct horse", one)


async def test_nobodys_hash_fits_no_password_and_costs_as_much(passwords: Passwords) -> None:
    """It is a real hash with the parameters of new ones, so that verifying computes all of it."""
    assert not await passwords.verify("correct horse", None)
    nobody, somebody = passwords._nobodys_hash, await passwords.hash("x")
    assert extract_parameters(nobody) == extract_parameters(somebody)


async def test_tells_hashes_with_other_parameters(passwords: Passwords) -> None:
    """They are renewed when their owner logs in."""
    assert not passwords.is_outdated(await passwords.hash("x"))
    assert passwords.is_outdated(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("x"))


async def test_hashes_at_the_floor_of_owasp() -> None:
    """Argon2id with 19 MiB, two passes, one lane."""
    with open_passwords() as passwords:
        parameters = extract_parameters(await passwords.hash("x"))
        assert await passwords.verify("y", None) is False
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19 * 1024, 2, 1)
    assert MAX_WAITING == 32


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
async def test_hashing_lets_everything_else_go_first() -> None:
    """A flood of log-ins takes the time that is left."""

    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    with open_passwords() as passwords:
        assert await passwords._run(niceness) == min(19, niceness() + NICENESS)


async def test_sheds_what_is_over_the_limit() -> None:
    """A full queue says so at once, and takes work again when there is room."""
    hasher = GatedHasher()
    with ThreadPoolExecutor(1) as pool:
        passwords = Passwords(hasher, pool, limit=3)
        waiting = [asyncio.create_task(passwords.hash("x")) for _ in range(3)]
        await until(lambda: hasher.started == 1)
        with pytest.raises(Unavailable, match="OVERLOADED") as refusal:
            await passwords.hash("x")
        assert refusal.value.retry_after_s == 1
        hasher.gate.set()
        await asyncio.gather(*waiting)
        assert await passwords.hash("x")


async def test_a_caller_who_leaves_gives_the_place_back_only_when_the_work_is_done() -> None:
    """Leaving the queue frees its place at once; a hash that runs keeps its own until it ends."""
    hasher = GatedHasher()
    with ThreadPoolExecutor(1) as pool:
        passwords = Passwords(hasher, pool, limit=2)
        running = asyncio.create_task(passwords.hash("x"))
        await until(lambda: hasher.started == 1)
        queued = asyncio.create_task(passwords.hash("x"))
        await asyncio.sleep(0)
        for task in (queued, running):
            task.cancel()
        await asyncio.gather(queued, running, return_exceptions=True)
        last = asyncio.create_task(passwords.hash("x"))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="OVERLOADED"):
            await passwords.hash("x")
        hasher.gate.set()
        assert await last

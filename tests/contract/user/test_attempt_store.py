"""What every AttemptStore does."""

import asyncio
from datetime import timedelta

import pytest

from mesh.audit.log import Trail
from mesh.database import Database
from services.user.accounts.store import AccountStore
from services.user.attempts.domain import FORGOTTEN_AFTER, Failures, pause_after
from services.user.attempts.store import AttemptStore
from services.user.attempts.store_sql import SqlAttemptStore
from services.user.credentials.letters import Letters
from services.user.mail.outbox_sql import SqlMailOutbox
from tests.contract.user.samples import NOW, account

ONE, TWO = bytes(32), bytes([1]) * 32


@pytest.fixture
def attempts(database: Database, trail: Trail, mails: SqlMailOutbox, letters: Letters) -> AttemptStore:
    return SqlAttemptStore(database, trail, mails, letters)


async def test_failures_count_by_key(attempts: AttemptStore) -> None:
    """From none on, with the pause that they mean; another key is another count."""
    assert await attempts.get(ONE) is None
    counted = [await attempts.fail(ONE, NOW) for _ in range(4)]
    assert counted == [Failures(count, NOW + pause_after(count)) for count in range(1, 5)]
    assert await attempts.get(ONE) == counted[-1]
    assert await attempts.get(TWO) is None


async def test_failures_at_the_same_time_all_count(attempts: AttemptStore) -> None:
    """Thirty at once, each with a number of its own."""
    counted = await asyncio.gather(*(attempts.fail(ONE, NOW) for _ in range(30)))
    assert sorted(failures.count for failures in counted) == list(range(1, 31))


async def test_what_is_forgotten_counts_from_one_again(attempts: AttemptStore) -> None:
    """Only once it is long over."""
    await attempts.fail(ONE, NOW)
    assert (await attempts.fail(ONE, NOW + FORGOTTEN_AFTER)).count == 2
    assert (await attempts.fail(ONE, NOW + 2 * FORGOTTEN_AFTER + timedelta(microseconds=1))).count == 1


async def test_clearing_forgets_some_keys(attempts: AttemptStore) -> None:
    """And not the others; unknown ones do not matter."""
    for key in (ONE, TWO):
        await attempts.fail(key, NOW)
    await attempts.clear([ONE, bytes([2]) * 32])
    await attempts.clear([])
    assert await attempts.get(ONE) is None
    assert await attempts.get(TWO) is not None


async def test_sweeping_removes_what_is_forgotten(attempts: AttemptStore) -> None:
    """A few at a time."""
    for number in range(5):
        await attempts.fail(bytes([number]) * 32, NOW + timedelta(seconds=number))
    after = NOW + FORGOTTEN_AFTER + timedelta(seconds=3)
    assert [await attempts.sweep(after, 2) for _ in range(3)] == [2, 1, 0]
    assert await attempts.get(bytes([3]) * 32) is not None


async def test_a_lock_sends_a_letter_to_whom_there_is(
    attempts: AttemptStore, accounts: AccountStore, mails: SqlMailOutbox
) -> None:
    """And wakes whoever sends it; nobody's lock is noted alike."""
    await accounts.add(account("anna"), "hash")
    await attempts.lock(None, "default", NOW)
    assert await mails.waiting() == 0
    mails.arrived.clear()
    await attempts.lock(account("anna"), "default", NOW)
    assert await mails.waiting() == 1
    assert mails.arrived.is_set()

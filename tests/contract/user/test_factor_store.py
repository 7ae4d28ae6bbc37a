"""What every FactorStore does."""

import asyncio
from collections.abc import Sequence

import pytest

from mesh.audit.log import open_trail
from mesh.database import Database
from mesh.errors import WrongState
from services.user.accounts.store import AccountStore
from services.user.factors.domain import Factor
from services.user.factors.store import FactorStore
from services.user.factors.store_sql import SqlFactorStore
from services.user.tables import audit, audit_head
from tests.contract.user.samples import NOW, account

ANNA, BEA = ("default", "id-of-anna"), ("default", "id-of-bea")
CODES: Sequence[bytes] = [bytes([number]) * 32 for number in range(10)]


@pytest.fixture
async def factors(database: Database, accounts: AccountStore) -> FactorStore:
    for name in ("anna", "bea"):
        await accounts.add(account(name), "hash")
    return SqlFactorStore(database, open_trail("user", audit, audit_head, bytes(32)))


async def test_a_factor_comes_back_as_it_was(factors: FactorStore, accounts: AccountStore) -> None:
    """For its user alone, whose account shows it as a change."""
    assert await factors.get(*ANNA) is None
    await factors.add(*ANNA, b"sealed", 7, CODES, NOW)
    assert await factors.get(*ANNA) == Factor(b"sealed", 7, 10)
    assert await factors.get(*BEA) is None
    assert await factors.get("other", "id-of-anna") is None
    shown = (await accounts.find("default", ["id-of-anna"]))["id-of-anna"]
    assert (shown.has_second_factor, shown.version) == (True, 2)


async def test_nobody_has_two(factors: FactorStore) -> None:
    """Of several at the same time one is kept."""
    results = await asyncio.gather(
        *(factors.add(*ANNA, bytes([n]), n, CODES, NOW) for n in range(1, 6)), return_exceptions=True
    )
    assert [result.reason for result in results if isinstance(result, WrongState)] == ["SECOND_FACTOR_ON"] * 4
    assert sum(result is None for result in results) == 1


async def test_a_step_is_used_once(factors: FactorStore) -> None:
    """By one of ten at the same time, and no earlier one after it."""
    await factors.add(*ANNA, b"sealed", 7, CODES, NOW)
    assert sorted(await asyncio.gather(*(factors.use_step(*ANNA, 8) for _ in range(10)))) == [False] * 9 + [True]
    assert [await factors.use_step(*ANNA, step) for step in (7, 8, 9)] == [False, False, True]
    assert not await factors.use_step("other", "id-of-anna", 10)


async def test_a_recovery_code_is_used_once(factors: FactorStore) -> None:
    """By one of ten at the same time; the others are left, and those of others are of no use."""
    await factors.add(*ANNA, b"sealed", 7, CODES, NOW)
    await factors.add(*BEA, b"sealed", 7, [b"b" * 32], NOW)
    assert sorted(await asyncio.gather(*(factors.use_code(*ANNA, CODES[3]) for _ in range(10)))) == [False] * 9 + [True]
    assert not await factors.use_code(*ANNA, b"b" * 32)
    assert (await factors.get(*ANNA)).recovery_codes_left == 9  # type: ignore[union-attr]


async def test_new_codes_take_the_place_of_all(factors: FactorStore) -> None:
    """Those before are good no longer."""
    await factors.add(*ANNA, b"sealed", 7, CODES, NOW)
    await factors.replace_codes(*ANNA, [b"n" * 32], NOW)
    assert not await factors.use_code(*ANNA, CODES[0])
    assert await factors.use_code(*ANNA, b"n" * 32)


async def test_a_factor_that_is_taken_away_is_gone(factors: FactorStore) -> None:
    """With its codes; another one can be added."""
    await factors.add(*ANNA, b"sealed", 7, CODES, NOW)
    await factors.remove(*ANNA, NOW)
    assert await factors.get(*ANNA) is None
    assert not await factors.use_code(*ANNA, CODES[0])
    for change in (factors.remove(*ANNA, NOW), factors.replace_codes(*ANNA, CODES, NOW)):
        with pytest.raises(WrongState, match="SECOND_FACTOR_OFF"):
            await change
    await factors.add(*ANNA, b"other", 1, CODES, NOW)
    assert await factors.get(*ANNA) == Factor(b"other", 1, 10)

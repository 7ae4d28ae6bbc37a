"""What every limiter promises, wherever it keeps the accounts."""

import asyncio

import pytest

from mesh.limits.limiter import SECOND_NS, Charge, Decision, Policy
from tests.contract.limits.conftest import Rig

TEN = Policy("login", "account", burst=10, interval_ns=60 * SECOND_NS)
THREE = Policy("login", "address", burst=3, interval_ns=600 * SECOND_NS)


def by(policy: Policy, who: str = "anna", cost: int = 1) -> Charge:
    return Charge(policy, f"{policy.name}.{policy.scope}:{who}", cost)


async def take(rig: Rig, *charges: Charge) -> list[Decision]:
    """The decisions for one call."""
    (decisions,) = await rig.limiter.take([charges])
    return decisions


async def passes(rig: Rig, *charges: Charge) -> bool:
    return not any(decision.wait_ns for decision in await take(rig, *charges))


async def test_a_burst_passes_and_what_is_left_counts_down_to_the_refusal(rig: Rig) -> None:
    """Whoever is told that nothing is left is refused next."""
    told = [(await take(rig, by(TEN)))[0] for _ in range(11)]
    assert [decision.remaining for decision in told] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert [decision.wait_ns > 0 for decision in told] == [*[False] * 10, True]
    assert told[0].reset_s == 60
    assert told[9].reset_s in (599, 600)


async def test_one_more_passes_after_the_wait_that_was_told_and_none_before(rig: Rig) -> None:
    """Nobody has to try twice."""
    await take(rig, by(TEN, cost=10))
    (refused,) = await take(rig, by(TEN))
    assert 55 < refused.retry_after_s <= 60
    rig.clock.advance(refused.retry_after_s - 5)
    assert not await passes(rig, by(TEN))
    rig.clock.advance(5)
    assert await passes(rig, by(TEN))
    assert not await passes(rig, by(TEN))


async def test_an_account_is_whole_again_after_its_reset(rig: Rig) -> None:
    """The burst comes back one by one, and never grows beyond itself."""
    (decision,) = await take(rig, by(TEN, cost=7))
    rig.clock.advance(decision.reset_s + 10_000)
    assert (await take(rig, by(TEN)))[0].remaining == 9


async def test_accounts_have_nothing_to_do_with_each_other(rig: Rig) -> None:
    """What one has spent is not missing from another, nor from the same name under another policy."""
    await take(rig, by(TEN, "anna", cost=10))
    assert await passes(rig, by(TEN, "bela", cost=10))
    assert await passes(rig, by(THREE, "anna"))


async def test_a_call_takes_all_its_charges_or_none(rig: Rig) -> None:
    """What refuses is told apart from what would have let it pass, which is not touched."""
    await take(rig, by(THREE, cost=3))
    would, refuses = await take(rig, by(TEN), by(THREE))
    assert (would.wait_ns, would.remaining) == (0, 10)
    assert refuses.wait_ns > 0
    assert (refuses.policy, refuses.remaining) == (THREE, 0)
    assert await passes(rig, by(TEN, cost=10))


async def test_calls_that_come_together_are_decided_one_after_the_other(rig: Rig) -> None:
    """A refused one leaves the rest to the next; an account that several charge counts them all."""
    calls = [[by(THREE, cost=2)], [by(THREE, cost=2), by(TEN)], [by(THREE), by(TEN)], [by(TEN, "bela")], []]
    decided = await rig.limiter.take(calls)
    assert [[decision.wait_ns > 0 for decision in decisions] for decisions in decided] == [
        [False],
        [True, False],
        [False, False],
        [False],
        [],
    ]
    assert [[decision.remaining for decision in decisions] for decisions in decided] == [[1], [1, 10], [0, 9], [9], []]


async def test_what_costs_more_than_there_can_be_costs_all_of_it(rig: Rig) -> None:
    """It passes when nothing is spent, as a file that is larger than the burst has to."""
    assert await passes(rig, by(TEN, cost=1000))
    (refused,) = await take(rig, by(TEN, cost=1000))
    rig.clock.advance(refused.retry_after_s)
    assert await passes(rig, by(TEN, cost=1000))


async def test_who_comes_at_once_gets_no_more_than_who_comes_in_turn(rig: Rig) -> None:
    """Of a hundred at the same moment exactly the burst passes."""
    passed = await asyncio.gather(*[passes(rig, by(TEN)) for _ in range(100)])
    assert sum(passed) == 10


async def test_a_great_many_in_one_go_are_decided_in_their_order(rig: Rig) -> None:
    """Also when they are more than go into one question to a store."""
    first_ten = await rig.limiter.take([[by(TEN), by(THREE, str(number))] for number in range(2500)])
    assert [not any(d.wait_ns for d in decisions) for decisions in first_ten] == [True] * 10 + [False] * 2490


@pytest.mark.parametrize(("per_second", "burst"), [(1_000_000, 1), (1_000, 5), (3, 2)])
async def test_whoever_waits_as_told_again_and_again_always_passes(rig: Rig, per_second: int, burst: int) -> None:
    """Whatever the interval, and though waits are told in whole milliseconds."""
    fast = Policy("read", "user", burst, -(-SECOND_NS // per_second))
    for _ in range(20):
        await take(rig, by(fast, cost=burst))
        (decision,) = await take(rig, by(fast))
        rig.clock.advance(decision.retry_after_s)
        if decision.wait_ns:
            assert await passes(rig, by(fast))

"""The arithmetic of limits, for any policy and any history."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mesh.limits.gcra import level_ns, need_ns, wait_ns
from mesh.limits.limiter import SECOND_NS, Policy, share

bursts = st.integers(1, 1000)
intervals = st.integers(1_000, 3_600 * SECOND_NS)
policies = st.builds(Policy, st.just("send"), st.just("user"), bursts, intervals)
costs = st.integers(1, 20)
pauses = st.integers(0, 20)
"""In quarters of an interval."""
histories = st.lists(st.tuples(pauses, costs), min_size=1, max_size=60)


class Account:
    """One account, and everything that passed: when, and at what cost."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.empty_at, self.passed = policy, 0, list[tuple[int, int]]()

    def take(self, now: int, cost: int) -> int:
        """How long to wait."""
        level = level_ns(self.empty_at, now)
        need = need_ns(self.policy.interval_ns, self.policy.burst, cost)
        wait = wait_ns(level, need, self.policy.capacity_ns)
        if not wait:
            self.empty_at = now + level + need
            self.passed.append((now, min(cost, self.policy.burst)))
        return wait


def played(policy: Policy, history: Sequence[tuple[int, int]]) -> tuple[Account, int]:
    """An account after calls with pauses between, and the time then."""
    account, now = Account(policy), 1
    for pause, cost in history:
        now += pause * policy.interval_ns // 4
        account.take(now, cost)
    return account, now


@given(policies, histories)
def test_no_window_ever_holds_more_than_its_burst_and_what_grows_back_in_it(
    policy: Policy, history: list[tuple[int, int]]
) -> None:
    """Between any two calls that passed, both included, whatever came before."""
    account, _ = played(policy, history)
    for first, (start, _) in enumerate(account.passed):
        total = 0
        for moment, cost in account.passed[first:]:
            total += cost
            assert total * policy.interval_ns <= policy.capacity_ns + (moment - start)


@given(policies, histories, costs)
def test_the_wait_is_exactly_enough(policy: Policy, history: list[tuple[int, int]], cost: int) -> None:
    """A call passes at the end of it, and not a nanosecond earlier."""
    account, now = played(policy, history)
    if wait := account.take(now, cost):
        assert account.take(now + wait - 1, cost) > 0
        assert account.take(now + wait, cost) == 0


@given(policies, histories)
def test_who_keeps_to_the_rate_never_waits(policy: Policy, history: list[tuple[int, int]]) -> None:
    """However long it goes on."""
    account, now = Account(policy), 1
    for pause, _ in history:
        now += policy.interval_ns * max(pause, 1)
        assert account.take(now, 1) == 0


@given(policies, st.integers(1, 50))
def test_shares_together_keep_to_the_rate(policy: Policy, processes: int) -> None:
    """And to the burst, as long as there is one for each."""
    part = share(policy, processes)
    assert part.interval_ns == policy.interval_ns * processes
    assert part.burst * processes <= max(policy.burst, processes)
    assert (part.name, part.scope) == (policy.name, policy.scope)

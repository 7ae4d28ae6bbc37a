"""Accounts in memory: what is told of them, and that there are never too many."""

from hypothesis import given
from hypothesis import strategies as st

from mesh.limits.limiter import SECOND_NS, Charge, Decision, Policy
from mesh.limits.limiter_memory import MemoryLimiter

TEN = Policy("login", "account", burst=10, interval_ns=SECOND_NS)
policies = st.builds(
    Policy, st.just("send"), st.just("user"), st.integers(1, 1000), st.integers(1_000, 3_600 * SECOND_NS)
)
histories = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=1, max_size=30)
"""Pauses in quarters of an interval, and costs."""


class Memory(MemoryLimiter):
    """With a clock of its own, moved by hand."""

    def __init__(self, *, max_accounts: int = 1000) -> None:
        super().__init__(clock=lambda: self.now, max_accounts=max_accounts)
        self.now = 1

    def take_one(self, policy: Policy, key: str = "key", cost: int = 1) -> Decision:
        """Without a loop: it has nothing to wait for."""
        try:
            self.take([[Charge(policy, key, cost)]]).send(None)
        except StopIteration as done:
            decided: list[list[Decision]] = done.value
            return decided[0][0]
        raise AssertionError("it waits")


def played(policy: Policy, history: list[tuple[int, int]]) -> tuple[Memory, Decision]:
    memory = Memory()
    for pause, cost in history:
        memory.now += pause * policy.interval_ns // 4
        decision = memory.take_one(policy, cost=cost)
    return memory, decision


@given(policies, histories, st.integers(1, 20))
def test_what_is_left_is_what_passes(policy: Policy, history: list[tuple[int, int]], cost: int) -> None:
    """A cost passes at once if, and only if, so much was said to remain."""
    memory, decision = played(policy, history)
    assert 0 <= decision.remaining <= policy.burst
    assert (memory.take_one(policy, cost=cost).wait_ns == 0) == (min(cost, policy.burst) <= decision.remaining)


@given(policies, histories)
def test_everything_is_back_after_the_reset(policy: Policy, history: list[tuple[int, int]]) -> None:
    """The seconds that are told are enough, whatever was spent."""
    memory, decision = played(policy, history)
    memory.now += decision.reset_s * SECOND_NS
    assert memory.take_one(policy, cost=policy.burst).wait_ns == 0


@given(policies, histories)
def test_one_try_after_the_seconds_that_were_told_passes(policy: Policy, history: list[tuple[int, int]]) -> None:
    """Told seconds are rounded up, so they are never too few."""
    memory, _ = played(policy, history)
    refused = memory.take_one(policy, cost=policy.burst)
    memory.now += round(refused.retry_after_s * SECOND_NS)
    assert memory.take_one(policy, cost=policy.burst).wait_ns == 0


async def test_no_more_is_kept_than_is_owed() -> None:
    """Accounts that are whole again are dropped, faster than new ones come."""
    memory = Memory()
    for number in range(500):
        await memory.take([[Charge(TEN, f"old {number}")]])
    memory.now += 2 * SECOND_NS
    for number in range(300):
        await memory.take([[Charge(TEN, f"new {number}")]])
    assert len(memory) == 300


async def test_there_are_never_more_accounts_than_allowed() -> None:
    """Those that go are not those just charged."""
    memory = Memory(max_accounts=100)
    for number in range(1000):
        await memory.take([[Charge(TEN, f"user {number}", cost=10)]])
        assert len(memory) <= 100
    ((decision,),) = await memory.take([[Charge(TEN, "user 999")]])
    assert decision.wait_ns > 0


async def test_a_known_account_costs_no_other_its_place() -> None:
    """Only new ones make room for themselves."""
    memory = Memory(max_accounts=2)
    for key in ("a", "b", "a", "b", "a"):
        await memory.take([[Charge(TEN, key)]])
    assert len(memory) == 2

"""What goes on around the script in Redis: questions together, and a store that does not answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from mesh.limits import limiter_redis
from mesh.limits.classes import defaults
from mesh.limits.limiter import SECOND_NS, Charge, Decision, Policy
from mesh.limits.limiter_memory import MemoryLimiter
from mesh.limits.limiter_redis import RedisLimiter, open_redis

LOGIN = defaults()["login"]["account"]
POLICY = Policy("send", "user", burst=8, interval_ns=SECOND_NS)


class Script:
    """Lets everything pass, after `gate` is open, unless it has a `fault`. Keeps what it was asked."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault: Exception | None = None
        self.processes = 2
        self.asked: list[list[int]] = []
        """By question, how many charges each call had."""

    async def run(self, calls: Sequence[Sequence[Charge]]) -> list[list[Decision]]:
        self.asked.append([len(charges) for charges in calls])
        await self.gate.wait()
        for _ in range(5):  # As a driver that takes an answer apart.
            await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        return [[Decision(charge.policy, 0, 0) for charge in charges] for charges in calls]

    @property
    def questions(self) -> list[list[int]]:
        """Those about charges."""
        return [asked for asked in self.asked if asked]


@asynccontextmanager
async def running(script: Script, *, states: list[bool] | None = None) -> AsyncIterator[RedisLimiter]:
    states = states if states is not None else []
    limiter = RedisLimiter(script, MemoryLimiter(clock=lambda: 1), on_change=states.append)  # type: ignore[arg-type]
    task = asyncio.create_task(limiter.run())
    yield limiter
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody wants to wait for a test."""
    monkeypatch.setattr(limiter_redis, "RETRY_S", 0.001)


def ask(limiter: RedisLimiter, count: int = 1, policy: Policy = POLICY) -> "asyncio.Task[list[list[Decision]]]":
    return asyncio.create_task(limiter.take([[Charge(policy, policy.name)] for _ in range(count)]))


async def passed(limiter: RedisLimiter, policy: Policy, times: int) -> int:
    decided = [(await ask(limiter, policy=policy))[0][0] for _ in range(times)]
    return sum(not decision.wait_ns for decision in decided)


async def until_asked(script: Script, questions: int) -> None:
    async with asyncio.timeout(5):
        while len(script.questions) < questions:
            await asyncio.sleep(0)


async def test_those_who_come_while_a_question_is_under_way_share_the_next() -> None:
    """However many they are, in the order they came."""
    script = Script()
    async with running(script) as limiter:
        script.gate.clear()
        asked = [ask(limiter)]
        await until_asked(script, 1)
        asked += [ask(limiter, 2) for _ in range(50)]
        await asyncio.sleep(0)
        script.gate.set()
        await asyncio.gather(*asked)
    assert script.questions == [[1], [1] * 100]


async def test_a_question_is_bounded() -> None:
    """What does not fit goes into the next one; a call is never split."""
    script = Script()
    async with running(script) as limiter:
        decided = await limiter.take([[Charge(POLICY, "a"), Charge(POLICY, "b"), Charge(POLICY, "c")]] * 700)
    assert [len(decisions) for decisions in decided] == [3] * 700
    assert [sum(asked) for asked in script.questions] == [999, 999, 102]


async def test_who_gives_up_keeps_nobody_else_waiting() -> None:
    """The answer is for those who are still there."""
    script = Script()
    async with running(script) as limiter:
        script.gate.clear()
        first, second = ask(limiter), ask(limiter)
        await until_asked(script, 1)
        first.cancel()
        script.gate.set()
        assert len(await second) == 1


async def test_a_store_that_fails_leaves_each_process_its_share() -> None:
    """Of two processes, half; log-ins are limited too, never open."""
    script, states = Script(), list[bool]()
    async with running(script, states=states) as limiter:
        script.fault = ConnectionError()
        assert await passed(limiter, POLICY, 20) == 4
        assert await passed(limiter, LOGIN, 20) == 5
        assert states == [False]


async def test_a_store_that_answers_again_is_asked_again() -> None:
    """Without anybody doing anything."""
    script, states = Script(), list[bool]()
    async with running(script, states=states) as limiter:
        script.fault = ConnectionError()
        assert await passed(limiter, POLICY, 20) == 4
        script.fault = None
        async with asyncio.timeout(5):
            while states != [False, True]:
                await asyncio.sleep(0.001)
        assert await passed(limiter, POLICY, 20) == 20


async def test_a_store_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those under way and those behind them are decided here at once, and the next ones are not held up at all."""
    monkeypatch.setattr(limiter_redis, "ANSWER_S", 0.01)
    script = Script()
    async with running(script) as limiter:
        script.gate.clear()
        first = ask(limiter)
        await until_asked(script, 1)
        later = ask(limiter, 5)
        async with asyncio.timeout(5):
            (((one,),), five) = await asyncio.gather(first, later)
            assert one.policy.burst == 4
            assert [decision.wait_ns > 0 for (decision,) in five] == [False, False, False, True, True]
            await ask(limiter)
        assert len(script.questions) == 1


async def test_a_process_that_was_busy_itself_does_not_take_the_store_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was there all the time."""
    monkeypatch.setattr(limiter_redis, "ANSWER_S", 0.01)
    script, states = Script(), list[bool]()
    async with running(script, states=states) as limiter:
        script.gate.clear()
        asked = ask(limiter)
        await until_asked(script, 1)
        time.sleep(0.02)  # noqa: ASYNC251, as the loop was blocked by something else
        script.gate.set()
        ((decision,),) = await asked
    assert decision.policy is POLICY
    assert states == []


async def test_too_many_are_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a store is bounded; beyond that it is decided here."""
    monkeypatch.setattr(limiter_redis, "MAX_WAITING", 3)
    script = Script()
    async with running(script) as limiter:
        script.gate.clear()
        waits = [ask(limiter)]
        await until_asked(script, 1)
        waits.append(ask(limiter, 3))
        await asyncio.sleep(0)
        ((beyond,),) = await ask(limiter)
        assert beyond.policy.burst == 4
        script.gate.set()
        await asyncio.gather(*waits)


async def test_the_end_leaves_nobody_waiting() -> None:
    """Calls that still run at shut-down are decided here."""
    script = Script()
    async with running(script) as limiter:
        script.gate.clear()
        waits = [ask(limiter)]
        await until_asked(script, 1)
        waits.append(ask(limiter))
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        for task in (*waits, ask(limiter)):
            assert len(await task) == 1


async def test_a_redis_that_is_away_does_not_keep_a_process_from_starting() -> None:
    """Log-ins are limited from the first one on."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with open_redis(f"redis://127.0.0.1:{port}", kind="test") as limiter:
        assert 0 < await passed(limiter, LOGIN, 20) <= LOGIN.burst


async def test_a_redis_that_accepts_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does that is stopped: connections stay open, nobody answers."""
    monkeypatch.setattr(limiter_redis, "ANSWER_S", 0.05)
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_redis(f"redis://127.0.0.1:{port}", kind="test") as limiter, asyncio.timeout(5):
        assert 0 < await passed(limiter, LOGIN, 20) <= LOGIN.burst
    for writer in held:
        writer.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1", "127.0.0.1:6379"])
async def test_what_is_no_redis_is_refused(url: str) -> None:
    """At start, where somebody reads it."""
    with pytest.raises(ValueError, match="URL"):
        async with open_redis(url, kind="test"):
            pass

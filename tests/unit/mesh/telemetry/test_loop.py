"""The watch over the event loop."""

import asyncio
import io
import json

import pytest

from mesh.telemetry.logs import configure_logs
from mesh.telemetry.loop import INTERVAL_S, watch_loop


class LateTimers:
    """A clock whose timers come late by what is given; after the last one they never come."""

    def __init__(self, *lateness: float) -> None:
        self.now = 0.0
        self.slept_all = asyncio.Event()
        self._lateness = iter(lateness)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        late = next(self._lateness, None)
        if late is None:
            self.slept_all.set()
            await asyncio.Event().wait()
        else:
            self.now += seconds + late


@pytest.mark.usefixtures("restored_logs")
async def test_lag_is_measured_and_a_stall_is_logged() -> None:
    """Each timer's lateness is observed, never below zero; one of 200 ms or more is a warning."""
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    timers = LateTimers(0.0, 0.05, 0.35, -0.01)
    seen: list[float] = []
    async with asyncio.timeout(5), watch_loop(seen.append, clock=timers.clock, sleep=timers.sleep):
        await timers.slept_all.wait()
    assert seen == pytest.approx([0.0, 0.05, 0.35, 0.0])
    [line] = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (line["level"], line["seconds"]) == ("warning", 0.35)


async def test_runs_on_the_real_loop_until_left() -> None:
    """With the real clock it observes, and nothing of it is left behind."""
    seen = asyncio.Event()
    before = asyncio.all_tasks()
    async with asyncio.timeout(5), watch_loop(lambda late: seen.set()):
        await seen.wait()
    assert asyncio.all_tasks() == before


async def test_broken_observer_is_not_hidden() -> None:
    """What the observer raises comes out when the watch is left."""
    tried = asyncio.Event()

    def observe(late: float) -> None:
        tried.set()
        raise RuntimeError("observer")

    with pytest.raises(RuntimeError, match="observer"):
        async with asyncio.timeout(5), watch_loop(observe):
            await tried.wait()
    assert INTERVAL_S < 1

"""What writes planned messages when they are due."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chat.message.v1 import message_service_pb2 as messages_pb
from mesh.errors import Error, Invalid, Unavailable
from mesh.events.backoff import Backoff
from mesh.page import Place, Slice
from services.message.command import Command
from services.message.schedule import domain
from services.message.schedule.domain import FailScheduled, SendScheduled
from services.message.schedule.runner import Runner
from services.message.schedule.wire import stored_request

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Plans:
    """Plans in memory, and a writer that marks them; it raises what is in `faults`, one each time."""

    def __init__(self, count: int = 0) -> None:
        self.open = {f"s{number}": planned(f"s{number}", NOW + timedelta(hours=number)) for number in range(count)}
        self.commands: list[Any] = []
        self.faults: list[Exception] = []
        self.looks = 0
        self.done = asyncio.Event()

    async def due(self, now: datetime, limit: int) -> Sequence[domain.Scheduled]:
        self.looks += 1
        return [plan for plan in self.open.values() if plan.send_at <= now][:limit]

    async def next_at(self) -> datetime | None:
        return min((plan.send_at for plan in self.open.values()), default=None)

    async def get(self, caller: Any, scheduled_id: str) -> domain.Scheduled:
        return self.open[scheduled_id]

    async def page(self, caller: Any, place: Place | None, limit: int) -> Slice[domain.Scheduled]:
        return Slice(list(self.open.values()), has_prev=False, has_next=False)

    def submit(self, command: Command) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        assert isinstance(command, SendScheduled | FailScheduled)
        if self.faults:
            future.set_exception(self.faults.pop(0))
            return future
        self.commands.append(command)
        del self.open[command.plan.id]
        future.set_result(True)
        if not self.open:
            self.done.set()
        return future


def planned(id_: str, at: datetime) -> domain.Scheduled:
    request = stored_request(messages_pb.SendMessageRequest(conversation_id="c", text=id_), id_)
    return domain.Scheduled(id_, "w", "u", "c", request, at, NOW)


def running(plans: Plans, clock: Callable[[], datetime]) -> Runner:
    return Runner(plans, plans, clock=clock, new_id=lambda: "m", backoff=Backoff(0.001, 0.001))  # type: ignore[arg-type]


async def test_a_runner_writes_as_the_planner_and_waits_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks when something is due or changed, and not in between."""
    plans, now = Plans(3), [NOW]
    runner_ = running(plans, lambda: now[0])
    async with runner_.running(), asyncio.timeout(5):
        while plans.looks < 1:
            await asyncio.sleep(0)
        for hour in (1, 2):
            now[0] = NOW + timedelta(hours=hour)
            runner_.wake()
            while len(plans.commands) < hour + 1:
                await asyncio.sleep(0)
    assert [(c.origin.actor_id, c.origin.workspace_id, c.send.client_msg_id) for c in plans.commands] == [
        ("u", "w", f"scheduled-s{number}") for number in range(3)
    ]
    assert plans.looks <= 4


async def test_a_runner_tries_again_what_passes_by_itself() -> None:
    """Nothing is given up for it."""
    plans = Plans(1)
    plans.faults = [Unavailable("UNAVAILABLE", "Away."), Unavailable("OVERLOADED", "Busy.")]
    async with running(plans, lambda: NOW).running(), asyncio.timeout(5):
        await plans.done.wait()
    assert [type(command) for command in plans.commands] == [SendScheduled]


@pytest.mark.parametrize(
    ("fault", "reason"), [(RuntimeError("secret"), "INTERNAL"), (Invalid("INVALID_REQUEST", "No."), "INVALID_REQUEST")]
)
async def test_a_runner_gives_up_what_cannot_be_written(fault: Exception | Error, reason: str) -> None:
    """With a reason, and goes on with the others."""
    plans = Plans(2)
    plans.faults = [fault]
    async with running(plans, lambda: NOW + timedelta(days=1)).running(), asyncio.timeout(5):
        await plans.done.wait()
    gave_up = [command for command in plans.commands if isinstance(command, FailScheduled)]
    assert [command.reason for command in gave_up] == [reason]
    assert len(plans.commands) == 2

"""Planned messages: written once, by the rights their writer has then."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from chat.message.v1.message_service_pb2 import SendMessageRequest
from mesh.database import Database
from mesh.errors import NotFound
from mesh.page import Place
from services.message.conversations.wire import only_id
from services.message.feed.store import FeedStore
from services.message.feed.wire import change_proto
from services.message.messages.store import MessageStore
from services.message.schedule import domain
from services.message.schedule.domain import (
    CancelScheduled,
    FailScheduled,
    Schedule,
    Scheduled,
    SendScheduled,
    State,
    UpdateScheduled,
)
from services.message.schedule.store import ScheduleStore
from services.message.schedule.store_sql import SqlScheduleStore
from services.message.schedule.wire import due_command, stored_request
from services.message.tables import user_changes
from tests.contract.message.desk import ELSEWHERE, A, B, Clock, Desk, as_, told
from tests.contract.message.plans import asked, plan


@pytest.fixture
def plans(database: Database) -> ScheduleStore:
    return SqlScheduleStore(database)


class Planner:
    """Plans messages of anna in `g`, each an hour after the one before."""

    def __init__(self, desk: Desk, clock: Clock, store: ScheduleStore) -> None:
        self.desk, self.clock, self.store = desk, clock, store
        self.next_at = clock.now + timedelta(hours=1)

    def command(self, text: str = "later", at: datetime | None = None, to: str = "g", actor: str = A) -> Schedule:
        id_ = self.desk.new_id("s")
        request = stored_request(SendMessageRequest(conversation_id=to, text=text), id_)
        at, self.next_at = at or self.next_at, self.next_at + timedelta(hours=1)
        return Schedule(self.desk.origin(actor), id_, to, request, at)

    async def plan(self, text: str = "later", **about: object) -> Scheduled:
        planned: Scheduled = await self.desk.result(self.command(text, **about))  # type: ignore[arg-type]
        return planned

    async def send(self) -> list[bool]:
        """Writes what is due; whether each was written."""
        due = await self.store.due(self.clock.now, 10)
        outcomes = await self.desk.do(*[self.due(plan) for plan in due])
        return [outcome.result for outcome in outcomes]

    def due(self, plan: Scheduled) -> SendScheduled:
        return due_command(plan, self.desk.new_id("m"))

    def update(self, id_: str, text: str | None = None, at: datetime | None = None, actor: str = A) -> UpdateScheduled:
        return UpdateScheduled(self.desk.origin(actor), id_, text, at)

    def cancel(self, id_: str, actor: str = A) -> CancelScheduled:
        return CancelScheduled(self.desk.origin(actor), id_)


@pytest.fixture
async def planner(desk: Desk, clock: Clock, plans: ScheduleStore) -> Planner:
    await desk.group(A, B)
    return Planner(desk, clock, plans)


async def test_a_planned_message_is_written_when_it_is_due(
    planner: Planner, plans: ScheduleStore, messages: MessageStore
) -> None:
    """As its planner, once: whoever tries again finds that it was."""
    planned = await planner.plan("hello")
    assert (planned.state, await plans.next_at()) == (State.WAITING, planned.send_at)
    assert await planner.send() == []
    planner.clock.now = planned.send_at
    command = planner.due(planned)
    (outcome,) = await planner.desk.do(command)
    assert told(outcome) == [("message-new", 2, "", 0), ("scheduled-sent", 0, A, 3)]
    again, other = await planner.desk.do(command, planner.due(planned))
    assert [(o.result, list(o.changes)) for o in (again, other)] == [(False, []), (False, [])]
    (message,) = (await messages.after(as_(B), "g", 0, 10)).messages
    assert (message.sender_id, message.text, message.client_msg_id) == (A, "hello", f"scheduled-{planned.id}")
    sent = await plans.get(as_(A), planned.id)
    assert (sent.state, sent.message_id, sent.request) == (State.SENT, message.id, b"")
    assert (await plans.page(as_(A), None, 10)).items == []
    assert await plans.next_at() is None


async def test_a_message_goes_by_the_rights_of_its_writer_then(planner: Planner, plans: ScheduleStore) -> None:
    """A refusal fails the plan with its reason, and it stays until it is cancelled."""
    planned = await planner.plan(to=await planner.desk.group(B, A, id_="other"))
    await planner.desk.do(planner.desk.remove(B, A, from_="other"))
    planner.clock.now = planned.send_at
    (outcome,) = await planner.desk.do(planner.due(planned))
    assert [kind for kind, *_ in told(outcome)] == ["scheduled-failed"]
    failed = await plans.get(as_(A), planned.id)
    assert (failed.state, failed.failure) == (State.FAILED, "CONVERSATION_NOT_FOUND")
    assert [p.id for p in (await plans.page(as_(A), None, 10)).items] == [planned.id]
    assert await planner.send() == []
    await planner.desk.do(planner.cancel(planned.id))
    assert (await plans.page(as_(A), None, 10)).items == []


async def test_a_plan_that_cannot_be_written_is_given_up(planner: Planner, plans: ScheduleStore) -> None:
    """With a reason; not one that was changed meanwhile."""
    planned = await planner.plan()
    give_up = FailScheduled(planner.desk.origin(A), planned, "INTERNAL")
    changed = await planner.desk.result(planner.update(planned.id, "new"))
    assert (await planner.desk.do(give_up))[0].changes == ()
    await planner.desk.do(FailScheduled(planner.desk.origin(A), changed, "INTERNAL"))
    assert (await plans.get(as_(A), planned.id)).failure == "INTERNAL"


async def test_slow_mode_puts_a_message_off(planner: Planner, plans: ScheduleStore) -> None:
    """Until it may be written."""
    slow = domain.postponed(await planner.plan(), planner.clock.now, 30)
    assert slow.send_at == planner.clock.now + timedelta(seconds=30)
    assert slow.state is State.WAITING


async def test_a_plan_can_be_changed_until_it_is_due(planner: Planner, plans: ScheduleStore) -> None:
    """Its text, its time; what stays the same is no change."""
    planned = await planner.plan("one")
    text, again, time = await planner.desk.do(
        planner.update(planned.id, "two"),
        planner.update(planned.id, "two", planned.send_at),
        planner.update(planned.id, at=planned.send_at + timedelta(days=1)),
    )
    assert [len(o.changes) for o in (text, again, time)] == [1, 0, 1]
    changed = await plans.get(as_(A), planned.id)
    assert SendMessageRequest.FromString(changed.request).text == "two"
    assert changed.send_at == planned.send_at + timedelta(days=1)
    planner.clock.now = changed.send_at
    for command in (planner.update(planned.id, "three"), planner.cancel(planned.id)):
        assert await planner.desk.refusal(command) == "SCHEDULED_STARTED"
    assert await planner.send() == [True]
    for command in (planner.update(planned.id, "three"), planner.cancel(planned.id)):
        assert await planner.desk.refusal(command) == "SCHEDULED_STARTED"


async def test_a_plan_that_was_changed_after_it_was_read_is_left_alone(planner: Planner, plans: ScheduleStore) -> None:
    """Whoever reads it again finds what it is now."""
    planned = await planner.plan()
    late = planner.due(planned)
    await planner.desk.do(planner.update(planned.id, "new"))
    planner.clock.now = planned.send_at
    (outcome,) = await planner.desk.do(late)
    assert (outcome.result, outcome.changes) == (False, ())
    assert await planner.send() == [True]


async def test_a_failed_plan_waits_again_with_a_new_time(planner: Planner, plans: ScheduleStore) -> None:
    """A new text alone does not bring it back."""
    planned = await planner.plan()
    await planner.desk.do(FailScheduled(planner.desk.origin(A), planned, "ROLE_TOO_LOW"))
    text = await planner.desk.result(planner.update(planned.id, "new"))
    assert (text.state, text.failure) == (State.FAILED, "ROLE_TOO_LOW")
    later = await planner.desk.result(planner.update(planned.id, at=planned.send_at + timedelta(hours=1)))
    assert (later.state, later.failure) == (State.WAITING, "")


async def test_a_text_that_is_none_is_refused(planner: Planner) -> None:
    """As the message would be."""
    planned = await planner.plan()
    assert await planner.desk.refusal(planner.update(planned.id, "")) == "INVALID_REQUEST"


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=367), timedelta(days=-1)])
async def test_a_time_lies_ahead_but_not_too_far(planner: Planner, ahead: timedelta) -> None:
    """By the clock at the moment of the commit."""
    at = planner.clock.now + ahead
    assert await planner.desk.refusal(planner.command(at=at)) == "SEND_AT_INVALID"
    planned = await planner.plan()
    assert await planner.desk.refusal(planner.update(planned.id, at=at)) == "SEND_AT_INVALID"


async def test_so_many_may_wait(planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are over do not count."""
    monkeypatch.setattr(domain, "MAX_WAITING", 2)
    first, _ = await planner.plan(), await planner.plan()
    assert await planner.desk.refusal(planner.command()) == "QUOTA_REACHED"
    await planner.plan(actor=B)
    await planner.desk.do(planner.cancel(first.id))
    await planner.plan()


async def test_plans_are_ones_own(planner: Planner, plans: ScheduleStore) -> None:
    """Nobody else sees, changes or cancels them, and only members plan."""
    planned = await planner.plan()
    for actor in (B, "cleo"):
        assert await planner.desk.refusal(planner.update(planned.id, "x", actor=actor)) == "SCHEDULED_NOT_FOUND"
        assert await planner.desk.refusal(planner.cancel(planned.id, actor)) == "SCHEDULED_NOT_FOUND"
    for caller in (as_(B), as_(A, ELSEWHERE)):
        with pytest.raises(NotFound, match="SCHEDULED_NOT_FOUND"):
            await plans.get(caller, planned.id)
        assert (await plans.page(caller, None, 10)).items == []
    assert await planner.desk.refusal(planner.command(actor="cleo")) == "CONVERSATION_NOT_FOUND"


async def test_what_was_taken_back_is_gone(planner: Planner, plans: ScheduleStore) -> None:
    """To take it back again changes nothing."""
    planned = await planner.plan()
    first, again = await planner.desk.do(planner.cancel(planned.id), planner.cancel(planned.id))
    assert [len(o.changes) for o in (first, again)] == [1, 0]
    assert await planner.desk.refusal(planner.update(planned.id, "x")) == "SCHEDULED_NOT_FOUND"
    with pytest.raises(NotFound):
        await plans.get(as_(A), planned.id)
    planner.clock.now = planned.send_at
    assert await planner.send() == []


async def test_plans_are_listed_the_next_one_first(planner: Planner, plans: ScheduleStore) -> None:
    """By pages."""
    ids = [(await planner.plan()).id for _ in range(3)]
    first = await plans.page(as_(A), None, 2)
    assert ([p.id for p in first.items], first.has_next) == (ids[:2], True)
    last = first.items[-1]
    second = await plans.page(as_(A), Place((last.send_at.isoformat(), last.id), back=False), 2)
    assert ([p.id for p in second.items], second.has_prev, second.has_next) == (ids[2:], True, False)


async def test_the_log_tells_of_a_plan_as_it_is_and_keeps_no_text(
    planner: Planner, feed: FeedStore, database: Database
) -> None:
    """A plan that was taken back is not found in it."""
    planned = await planner.plan("secret")
    (change,) = await feed.user_changes(as_(A), 1, 2)
    assert change_proto(change, only_id).data.scheduled.message.text == "secret"
    await planner.desk.do(planner.cancel(planned.id))
    changes = await feed.user_changes(as_(A), 1, 3)
    told_now = [change_proto(change, only_id).data.scheduled for change in changes]
    found = [(one.id, State(one.state), one.message.text) for one in told_now]
    assert found == [(planned.id, State.CANCELLED, "")] * 2
    bodies = await database.read(lambda connection: list(connection.scalars(select(user_changes.c.body))))
    assert not any(b"secret" in body for body in bodies)


async def test_plans_are_found_by_indexes(planner: Planner, plans: ScheduleStore, database: Database) -> None:
    """However many are over."""
    planned = await planner.plan()
    with asked(database) as queries:
        await plans.page(as_(A), None, 10)
        await plans.due(planned.send_at, 10)
        await plans.next_at()
        await planner.plan()
    used = [plan(database, query) for query in queries if "scheduled" in query[0]]
    assert ["ix_scheduled_open" in one or "ix_scheduled_due" in one for one in used] == [True] * 4

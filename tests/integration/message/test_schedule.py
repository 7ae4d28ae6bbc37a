"""ScheduleService, as its clients see it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1 import schedule_service_pb2 as pb
from chat.message.v1.scheduled_pb2 import SCHEDULED_STATE_SENT, SCHEDULED_STATE_WAITING, Scheduled
from mesh.errors import Invalid, WrongState
from services.message.schedule import domain, runner
from tests.integration.message.world import World, open_world


def in_(seconds: float) -> Timestamp:
    at = Timestamp()
    at.FromDatetime(datetime.now(UTC) + timedelta(seconds=seconds))
    return at


async def plan(
    world: World, user_id: str, conversation_id: str, text: str = "later", seconds: float = 3600
) -> Scheduled:
    message = messages_pb.SendMessageRequest(conversation_id=conversation_id, text=text)
    request = pb.ScheduleMessageRequest(message=message, send_at=in_(seconds))
    return (await world.ask(world.schedule.ScheduleMessage, request, user_id)).scheduled


async def get(world: World, user_id: str, id_: str) -> Scheduled:
    return (await world.ask(world.schedule.GetScheduled, pb.GetScheduledRequest(id=id_), user_id)).scheduled


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets times be so near that they are over when a slow machine looks at them."""
    monkeypatch.setattr(domain, "SOONEST", timedelta(minutes=-1))


@pytest.mark.usefixtures("soon")
async def test_a_message_is_written_when_its_time_has_come(world: World, anna: str, bela: str) -> None:
    """By its planner; all of their devices are told."""
    group = await world.create(anna, bela)
    async with world.subscribe(anna) as own, world.subscribe(bela) as other:
        await own.ready()
        await other.ready()
        planned = await plan(world, anna, group.id, "later", seconds=0.3)
        assert planned.state == SCHEDULED_STATE_WAITING
        updated, new, sent = await own.changes(3)
        message = (await other.change()).data.message
    assert [change.type for change in (updated, new, sent)] == ["scheduled-updated", "message-new", "scheduled-sent"]
    assert updated.data.scheduled == planned
    assert (message.text, message.sender.username) == ("later", "anna")
    assert message.created_at.ToNanoseconds() >= planned.send_at.ToNanoseconds()
    done = await get(world, anna, planned.id)
    assert (done.state, done.message_id) == (SCHEDULED_STATE_SENT, message.id)
    assert sent.data.scheduled == done


async def test_what_fell_due_while_nobody_was_there_is_written_once(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the next start, and after the one after that not again."""
    monkeypatch.setattr(domain, "SOONEST", timedelta(minutes=-1))
    async with open_world(tmp_path, database_url) as world:
        anna, users = world.users.add("anna"), world.users
        group = await world.create(anna)
        monkeypatch.setattr(runner.Runner, "wake", lambda self: None)  # It sleeps on.
        planned = await plan(world, anna, group.id, seconds=0.5)
        monkeypatch.undo()
    for _ in range(2):
        async with open_world(tmp_path, database_url, users=users) as world:
            async with asyncio.timeout(10):
                while (await get(world, anna, planned.id)).state != SCHEDULED_STATE_SENT:
                    await asyncio.sleep(0.01)
            request = messages_pb.ListMessagesRequest(conversation_id=group.id)
            listed = await world.ask(world.messages.ListMessages, request, anna)
            assert [message.text for message in listed.items] == ["later"]


async def test_plans_are_changed_listed_and_taken_back(world: World, anna: str) -> None:
    """What is not named stays as it is."""
    group = await world.create(anna)
    plans = [await plan(world, anna, group.id, str(number), 3600 + number) for number in range(3)]
    update = pb.UpdateScheduledRequest(id=plans[0].id, text="new", send_at=in_(7200))
    update.update_mask.paths.append("text")
    changed = (await world.ask(world.schedule.UpdateScheduled, update, anna)).scheduled
    assert (changed.message.text, changed.send_at) == ("new", plans[0].send_at)
    update = pb.UpdateScheduledRequest(id=plans[0].id, send_at=in_(7200))
    moved = (await world.ask(world.schedule.UpdateScheduled, update, anna)).scheduled
    assert (moved.message.text, moved.send_at) == ("new", update.send_at)
    await world.ask(world.schedule.CancelScheduled, pb.CancelScheduledRequest(id=plans[1].id), anna)
    first = await world.ask(world.schedule.ListScheduled, pb.ListScheduledRequest(limit=1), anna)
    more = pb.ListScheduledRequest(limit=1, cursor=first.page.next_cursor)
    second = await world.ask(world.schedule.ListScheduled, more, anna)
    assert [one.id for page in (first, second) for one in page.items] == [plans[2].id, plans[0].id]
    assert (first.page.has_more, second.page.has_more) == (True, False)


async def test_a_time_has_to_lie_ahead(world: World, anna: str) -> None:
    """And to be in a calendar."""
    group = await world.create(anna)
    message = messages_pb.SendMessageRequest(conversation_id=group.id, text="x")
    never = Timestamp(seconds=10**12)
    for at, reason in ((in_(0), "SEND_AT_INVALID"), (in_(1e9), "SEND_AT_INVALID"), (never, "INVALID_REQUEST")):
        request = pb.ScheduleMessageRequest(message=message, send_at=at)
        with pytest.raises(Invalid, match=reason):
            await world.ask(world.schedule.ScheduleMessage, request, anna)


@pytest.mark.usefixtures("soon")
async def test_it_is_too_late_once_it_is_written(world: World, anna: str) -> None:
    """To change it, and to take it back."""
    group = await world.create(anna)
    async with world.subscribe(anna) as feed:
        await feed.ready()
        planned = await plan(world, anna, group.id, seconds=0.1)
        await feed.changes(3)
    cancel = pb.CancelScheduledRequest(id=planned.id)
    with pytest.raises(WrongState, match="SCHEDULED_STARTED"):
        await world.ask(world.schedule.CancelScheduled, cancel, anna)

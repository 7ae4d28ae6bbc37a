"""Polls over the wire: written with a message, voted on, and told to everybody in the same words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1 import poll_pb2
from chat.message.v1 import poll_service_pb2 as pb
from chat.message.v1 import schedule_service_pb2 as schedule_pb
from mesh.errors import Conflict, Error, Invalid
from tests.integration.message.world import World


def new(**fields: Any) -> poll_pb2.NewPoll:
    return poll_pb2.NewPoll(**{"question": "which?", "options": ["a", "b"], **fields})


def moment(at: datetime) -> Timestamp:
    proto = Timestamp()
    proto.FromDatetime(at)
    return proto


async def vote(world: World, user_id: str, message_id: str, *option_ids: str) -> poll_pb2.PollState:
    request = pb.VoteRequest(message_id=message_id, option_ids=option_ids)
    return (await world.ask(world.polls.Vote, request, user_id)).state


async def test_a_vote_is_told_to_everybody(world: World, anna: str, bela: str) -> None:
    """In the same words: only GetPoll tells one's own choice."""
    group = (await world.create(anna, bela)).id
    closes_at = moment(datetime.now(UTC) + timedelta(hours=1))
    sent = await world.send(anna, group, "", poll=new(multiple=True, closes_at=closes_at))
    assert [(option.id, option.text, option.votes) for option in sent.poll.options] == [("1", "a", 0), ("2", "b", 0)]
    assert (sent.poll.question, sent.poll.multiple, sent.poll.closes_at) == ("which?", True, closes_at)
    async with world.subscribe(anna) as feed:
        await feed.ready()
        state = await vote(world, bela, sent.id, "2")
        change = await feed.change()
    assert (change.type, change.seq, change.actor_id, change.data.poll) == ("poll-updated", 1, bela, state)
    assert (state.message_id, state.conversation_id, state.seq) == (sent.id, group, 1)
    assert [list(option.user_ids) for option in state.poll.options] == [[], [bela]]
    assert state.poll.voter_count == 1
    for user_id, mine in ((anna, []), (bela, ["2"])):
        own = await world.ask(world.polls.GetPoll, pb.GetPollRequest(message_id=sent.id), user_id)
        assert (own.poll, list(own.option_ids)) == (state.poll, mine)
    missed = (await world.sync(anna, positions={group: change.pos - 1})).events
    assert missed[0].data.poll == state


async def test_an_anonymous_vote_names_nobody(world: World, anna: str, bela: str) -> None:
    group = (await world.create(anna, bela)).id
    sent = await world.send(anna, group, poll=new(anonymous=True))
    async with world.subscribe(anna) as feed:
        await feed.ready()
        state = await vote(world, bela, sent.id, "1")
        change = await feed.change()
    assert (change.actor_id, change.correlation_id, change.trace_id) == ("", "", "")
    assert bela.encode() not in change.SerializeToString() + state.SerializeToString()
    assert [option.votes for option in change.data.poll.poll.options] == [1, 0]


async def test_a_closed_poll_takes_no_votes(world: World, anna: str, bela: str) -> None:
    group = (await world.create(anna, bela)).id
    sent = await world.send(bela, group, poll=new())
    request = pb.ClosePollRequest(message_id=sent.id)
    closed = (await world.ask(world.polls.ClosePoll, request, anna)).state.poll
    assert closed.HasField("closed_at")
    with pytest.raises(Error, match="POLL_CLOSED"):
        await vote(world, bela, sent.id, "1")
    assert (await world.ask(world.polls.ClosePoll, request, bela)).state.poll == closed


@pytest.mark.parametrize(
    "wrong",
    [
        {"question": ""},
        {"question": "x" * 301},
        {"question": "a\0"},
        {"options": ["a"]},
        {"options": [str(i) for i in range(11)]},
        {"options": ["a", "a"]},
        {"options": ["a", ""]},
        {"options": ["a", "x" * 101]},
        {"closes_at": Timestamp(seconds=1)},
        {"closes_at": Timestamp(seconds=1 << 60)},
    ],
)
async def test_polls_have_bounds(world: World, anna: str, wrong: dict[str, Any]) -> None:
    group = (await world.create(anna)).id
    with pytest.raises(Invalid, match="INVALID_REQUEST"):
        await world.send(anna, group, poll=new(**wrong))


async def test_a_poll_counts_as_what_a_send_says(world: World, anna: str) -> None:
    """A repeat with another one is refused; with the same it is answered with the votes since then."""
    group = (await world.create(anna)).id
    closes_at = moment(datetime.now(UTC) + timedelta(hours=1))
    sent = await world.send(anna, group, "", client_msg_id="x", poll=new(closes_at=closes_at))
    state = await vote(world, anna, sent.id, "1")
    again = await world.send(anna, group, "", client_msg_id="x", poll=new(closes_at=closes_at))
    assert (again.id, again.poll) == (sent.id, state.poll)
    for other in (new(), new(question="why?", closes_at=closes_at), new(options=["b", "a"], closes_at=closes_at)):
        with pytest.raises(Conflict, match="CLIENT_MSG_ID_CONFLICT"):
            await world.send(anna, group, "", client_msg_id="x", poll=other)


async def test_a_forward_passes_the_question_on(world: World, anna: str) -> None:
    """Without the poll: whoever reads the forward may not be among those who are asked."""
    group = (await world.create(anna)).id
    sent = await world.send(anna, group, "", poll=new())
    request = messages_pb.ForwardMessageRequest(id=sent.id, conversation_id=group)
    forward = (await world.ask(world.messages.ForwardMessage, request, anna)).message
    assert (forward.forwarded.text, forward.HasField("poll")) == ("which?", False)


async def test_a_planned_message_keeps_its_poll(world: World, anna: str) -> None:
    group = (await world.create(anna)).id
    message = messages_pb.SendMessageRequest(conversation_id=group, poll=new())
    send_at = moment(datetime.now(UTC) + timedelta(seconds=1.2))
    async with world.subscribe(anna) as feed:
        await feed.ready()
        request = schedule_pb.ScheduleMessageRequest(message=message, send_at=send_at)
        await world.ask(world.schedule.ScheduleMessage, request, anna)
        while (change := await feed.change()).type != "message-new":
            pass
    assert change.data.message.poll.question == "which?"

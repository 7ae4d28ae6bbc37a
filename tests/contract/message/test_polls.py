"""What every journal promises about polls: what a message shows of them, and who chose what."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from chat.message.v1.message_pb2 import Profile
from mesh.database import Database
from mesh.errors import NotFound, WrongState
from services.message.conversations.domain import Role, UpdateConversation
from services.message.feed.store import FeedStore
from services.message.feed.wire import change_proto
from services.message.messages.domain import Message, Poll, PollOption, UndeleteMessage
from services.message.messages.purge_sql import forget
from services.message.messages.store import MessageStore
from services.message.outbox_sql import SqlOutbox
from services.message.polls.domain import MAX_NAMED, ClosePoll, Vote
from services.message.polls.store_sql import SqlPollStore
from services.message.tables import deleted_messages, messages, poll_votes
from tests.contract.message.desk import ELSEWHERE, A, B, C, Clock, Desk, as_, told

POLL = Poll("which?", (PollOption("ä"), PollOption("b"), PollOption("c")))
SEVERAL = replace(POLL, multiple=True)
HIDDEN = replace(POLL, anonymous=True)


def vote(desk: Desk, actor: str, message: Message, *option_ids: str) -> Vote:
    return Vote(desk.origin(actor), message.id, option_ids)


def close(desk: Desk, actor: str, message: Message) -> ClosePoll:
    return ClosePoll(desk.origin(actor), message.id)


def shown(message: Message) -> list[list[str]]:
    assert message.poll is not None
    assert all(option.votes == len(option.user_ids) for option in message.poll.options)
    return [list(option.user_ids) for option in message.poll.options]


@pytest.fixture
def polls(database: Database) -> SqlPollStore:
    return SqlPollStore(database)


async def test_a_poll_is_part_of_its_message(desk: Desk, clock: Clock, messages: MessageStore) -> None:
    """A repeat is answered with it as it stands, also when its time is over."""
    await desk.group(A, B)
    closes_at = clock.now + timedelta(seconds=10)
    send = desk.send(A, "", poll=replace(SEVERAL, anonymous=True, closes_at=closes_at))
    sent = (await desk.result(send)).message
    assert sent.poll == replace(SEVERAL, anonymous=True, closes_at=closes_at)
    assert await messages.get(as_(B), sent.id) == sent
    voted = await desk.result(vote(desk, B, sent, "2"))
    clock.now = closes_at
    again = await desk.result(send)
    assert (again.replayed, again.message) == (True, voted)
    assert await desk.refusal(desk.send(A, poll=replace(POLL, closes_at=closes_at))) == "INVALID_REQUEST"


async def test_a_vote_replaces_the_one_before(desk: Desk, messages: MessageStore, polls: SqlPollStore) -> None:
    """And nothing takes it back. The same again is no change."""
    await desk.group(A, B)
    message = await desk.sent(A, poll=SEVERAL)
    outcomes = await desk.do(
        *(vote(desk, B, message, "1"), vote(desk, A, message, "1", "3"), vote(desk, A, message, "3", "1")),
        *(vote(desk, B, message, "2"), vote(desk, A, message), vote(desk, A, message)),
    )
    assert [told(outcome) for outcome in outcomes] == [
        *([("poll-updated", pos, "", 0)] for pos in (3, 4)),
        [],
        *([("poll-updated", pos, "", 0)] for pos in (5, 6)),
        [],
    ]
    states = [[[B], [], []], [[B, A], [], [A]], [[B, A], [], [A]], [[A], [B], [A]], [[], [B], []], [[], [B], []]]
    assert [shown(outcome.result) for outcome in outcomes] == states
    stored = await messages.get(as_(A), message.id)
    assert stored == outcomes[-1].result
    assert stored.poll is not None
    assert (stored.poll.voter_count, stored.version, stored.etag == message.etag) == (1, 1, False)
    assert [(await polls.get(as_(who), message.id)).option_ids for who in (A, B)] == [(), ("2",)]


async def test_a_poll_names_the_first_who_chose_something(desk: Desk, messages: MessageStore) -> None:
    """Whoever chooses otherwise makes room for the next."""
    people = [f"person {i:02}" for i in range(MAX_NAMED + 3)]
    await desk.group(A, *people)
    message = await desk.sent(A, poll=POLL)
    await desk.do(*[vote(desk, user_id, message, "1") for user_id in reversed(people)])
    order = people[::-1]
    await desk.do(*[vote(desk, user_id, message, "2") for user_id in (order[0], order[-1], order[5])])
    left = [user_id for i, user_id in enumerate(order) if i not in (0, 5, len(order) - 1)]
    poll = (await messages.get(as_(A), message.id)).poll
    assert poll is not None
    assert (poll.options[0].votes, list(poll.options[0].user_ids)) == (len(left), left[:MAX_NAMED])
    assert (poll.options[1].user_ids, poll.voter_count) == ((order[0], order[-1], order[5]), len(people))


async def test_nobody_learns_who_chose_what_of_an_anonymous_poll(
    desk: Desk, database: Database, messages: MessageStore, feed: FeedStore, polls: SqlPollStore
) -> None:
    """Neither from the message nor from the log, nor from the bus. Whoever voted can change it all the same."""
    await desk.group(A, B)
    message = await desk.sent(A, poll=HIDDEN)
    await desk.do(vote(desk, B, message, "1"), vote(desk, B, message, "2"))
    poll = (await messages.get(as_(A), message.id)).poll
    assert poll is not None
    assert [(option.votes, option.user_ids) for option in poll.options] == [(0, ()), (1, ()), (0, ())]
    assert (await polls.get(as_(B), message.id)).option_ids == ("2",)
    for change in await feed.changes(as_(A), [("g", 3), ("g", 4)]):
        proto = change_proto(change, _nobody)
        assert (proto.type, proto.seq, proto.actor_id, proto.correlation_id) == ("poll-updated", 1, "", "")
        assert [option.votes for option in proto.data.poll.poll.options] == [0, 1, 0]
    rows = await SqlOutbox(database, None, _nobody).unpublished(9)  # type: ignore[arg-type]
    assert [row.type for row in rows[-2:]] == ["message.poll_updated"] * 2
    assert not any(B.encode() in row.data or row.correlation_id for row in rows[-2:])


async def test_a_poll_is_closed_once(desk: Desk, messages: MessageStore) -> None:
    """By its author, or by an admin; then nothing is chosen any more, though the same again is answered."""
    await desk.group(A, B, C)
    message = await desk.sent(B, poll=POLL)
    await desk.result(vote(desk, C, message, "1"))
    assert await desk.refusal(close(desk, C, message)) == "ROLE_TOO_LOW"
    (outcome,) = await desk.do(close(desk, B, message))
    assert told(outcome) == [("poll-updated", 4, "", 0)]
    closed = await messages.get(as_(C), message.id)
    assert closed.poll is not None
    assert closed.poll.closed_at is not None
    assert outcome.result == closed
    (again,) = await desk.do(close(desk, A, message))
    assert (again.result, again.changes) == (closed, ())
    assert await desk.refusal(vote(desk, A, message, "1")) == "POLL_CLOSED"
    assert await desk.refusal(vote(desk, C, message)) == "POLL_CLOSED"
    assert await desk.result(vote(desk, C, message, "1")) == closed
    other = await desk.sent(B, poll=POLL)
    assert (await desk.result(close(desk, A, other))).poll.closed_at is not None


async def test_a_poll_closes_by_itself(desk: Desk, clock: Clock) -> None:
    await desk.group(A)
    message = await desk.sent(A, poll=replace(POLL, closes_at=clock.now + timedelta(seconds=60)))
    voted = await desk.result(vote(desk, A, message, "1"))
    clock.now += timedelta(seconds=60)
    assert await desk.refusal(vote(desk, A, message, "2")) == "POLL_CLOSED"
    (outcome,) = await desk.do(close(desk, A, message))
    assert (outcome.result, outcome.changes) == (voted, ())


async def test_who_cannot_vote(desk: Desk, polls: SqlPollStore) -> None:
    """Strangers and guests, and nobody in what is archived, or without a poll."""
    await desk.group(A, B)
    await desk.result(desk.add(A, C, role=Role.GUEST))
    message, plain = await desk.sent(A, poll=POLL), await desk.sent(A)
    elsewhere = Desk(desk.journal, ELSEWHERE)
    for refuse in (vote(desk, "stranger", message, "1"), close(desk, "stranger", message)):
        assert await desk.refusal(refuse) == "MESSAGE_NOT_FOUND"
    assert await elsewhere.refusal(vote(elsewhere, A, message, "1")) == "MESSAGE_NOT_FOUND"
    assert await desk.refusal(vote(desk, C, message, "1")) == "ROLE_TOO_LOW"
    assert await desk.refusal(vote(desk, A, message, "1", "2")) == "INVALID_REQUEST"
    assert await desk.refusal(vote(desk, A, message, "4")) == "INVALID_REQUEST"
    assert await desk.refusal(vote(desk, A, plain, "1")) == "POLL_NOT_FOUND"
    assert await desk.refusal(close(desk, A, plain)) == "POLL_NOT_FOUND"
    for who, message_id, reason in ((as_("stranger"), message.id, "MESSAGE"), (as_(A), plain.id, "POLL")):
        with pytest.raises(NotFound, match=f"{reason}_NOT_FOUND"):
            await polls.get(who, message_id)
    with pytest.raises(NotFound, match="MESSAGE_NOT_FOUND"):
        await polls.get(as_(A, ELSEWHERE), message.id)
    await desk.result(UpdateConversation(desk.origin(A), "g", {"post_role": Role.ADMIN}))
    assert await desk.refusal(vote(desk, B, message, "1")) == "ROLE_TOO_LOW"


async def test_a_poll_goes_with_its_message_and_comes_back_with_its_votes(
    desk: Desk, database: Database, messages: MessageStore, feed: FeedStore, polls: SqlPollStore
) -> None:
    """What the log tells of it then has no poll either."""
    await desk.group(A, B)
    message = await desk.sent(A, "", poll=POLL)
    before = await desk.result(vote(desk, B, message, "2"))
    assert (await desk.result(desk.delete(A, message.id))).poll is None
    for refuse in (vote(desk, B, message, "1"), close(desk, A, message)):
        assert await desk.refusal(refuse) == "MESSAGE_DELETED"
    with pytest.raises(WrongState, match="MESSAGE_DELETED"):
        await polls.get(as_(B), message.id)
    (change,) = await feed.changes(as_(B), [("g", 3)])
    state = change_proto(change, _nobody).data.poll
    assert (state.message_id, state.seq, state.HasField("poll")) == (message.id, 1, False)
    await desk.result(UndeleteMessage(desk.origin(A), message.id))
    assert (await messages.get(as_(A), message.id)).poll == before.poll
    assert shown(await desk.result(vote(desk, B, message, "1"))) == [[B], [], []]


async def test_nothing_is_left_of_a_poll_that_is_forgotten(desk: Desk, database: Database) -> None:
    await desk.group(A)
    message = await desk.sent(A, poll=POLL)
    await desk.result(vote(desk, A, message, "1"))
    await desk.result(desk.delete(A, message.id))
    assert len(await _rows(database, poll_votes.c.user_id)) == 1
    assert POLL.question in (await _rows(database, deleted_messages.c.poll))[0]
    await database.write(lambda connection: forget(connection, [message.id]))
    assert await _rows(database, poll_votes.c.user_id) == []
    assert await _rows(database, messages.c.poll) == [""]


async def test_votes_cost_the_same_statements_however_many_there_are(desk: Desk, database: Database) -> None:
    people = [f"person {i:03}" for i in range(MAX_NAMED + 20)]
    await desk.group(A, *people)
    message = await desk.sent(A, poll=POLL)
    counted = [await _statements(database, desk.result(vote(desk, user_id, message, "1"))) for user_id in people]
    assert len(set(counted)) == 1


async def _rows(database: Database, column: Any) -> list[Any]:
    return await database.read(lambda connection: list(connection.scalars(select(column))))


async def _statements(database: Database, work: Any) -> int:
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        await work
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return count


def _nobody(workspace_id: str, user_id: str) -> Profile:
    return Profile()

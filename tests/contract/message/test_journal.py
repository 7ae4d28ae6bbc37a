"""What every journal promises: order, numbers without gaps, one bad entry alone, all or nothing."""

import asyncio
import random

import pytest

from services.message.command import Command
from services.message.conversations.domain import Created, Kind, ReadMark, Role
from services.message.conversations.store import ConversationStore
from services.message.feed.domain import Place
from services.message.feed.store import FeedStore
from services.message.journal import Outcome
from services.message.messages.domain import Sent
from services.message.messages.store import MessageStore
from tests.contract.message.desk import A, B, C, D, Desk, as_, told


async def read_all(messages: MessageStore, conversation_id: str = "g", user_id: str = A) -> list[tuple[int, str]]:
    span = await messages.after(as_(user_id), conversation_id, 0, 10_000)
    return [(message.seq, message.text) for message in span.messages]


def sent(outcome: Outcome) -> tuple[int, bool]:
    assert isinstance(outcome.result, Sent)
    return outcome.result.message.seq, outcome.result.replayed


async def test_a_batch_of_repeats_and_new_messages_has_no_gap(desk: Desk, messages: MessageStore) -> None:
    """Repeats, of earlier batches and of this one, take no number; refused entries neither."""
    await desk.group(A, B)
    await desk.sent(A, "one", key="k1")
    outcomes = await desk.do(
        desk.send(A, "two", key="k2"),
        desk.send(A, "one", key="k1"),
        desk.send(C, "stranger"),
        desk.send(A, "two", key="k2"),
        desk.send(A, "other", key="k2"),
        desk.send(B, "same key, other sender", key="k2"),
        desk.send(A, "no such target", reply_to="nothing"),
        desk.send(A, "four", key="k4"),
    )
    assert [sent(outcomes[i]) for i in (0, 1, 3, 5, 7)] == [(2, False), (1, True), (2, True), (3, False), (4, False)]
    reasons = [outcomes[i].error.reason for i in (2, 4, 6)]  # type: ignore[union-attr]
    assert reasons == ["CONVERSATION_NOT_FOUND", "CLIENT_MSG_ID_CONFLICT", "REPLY_NOT_FOUND"]
    assert await read_all(messages) == [(1, "one"), (2, "two"), (3, "same key, other sender"), (4, "four")]


async def test_a_repeat_is_answered_with_what_is_stored_and_changes_nothing(desk: Desk) -> None:
    """With the present text, and the id of the first time; also for ever after edits and deletion."""
    await desk.group(A)
    first = await desk.sent(A, "text", key="k")
    await desk.do(desk.edit(A, first.id, "edited"))
    (outcome,) = await desk.do(desk.send(A, "text", key="k"))
    assert (outcome.result.message.id, outcome.result.message.text) == (first.id, "edited")
    assert (outcome.result.replayed, outcome.changes) == (True, ())
    assert await desk.refusal(desk.send(A, "edited", key="k")) == "CLIENT_MSG_ID_CONFLICT"
    await desk.do(desk.delete(A, first.id))
    (outcome,) = await desk.do(desk.send(A, "text", key="k"))
    assert (outcome.result.message.text, outcome.result.message.seq) == ("", 1)


async def test_repeats_of_one_batch_write_one_message(desk: Desk, messages: MessageStore) -> None:
    """Fifty of them at once get one id."""
    await desk.group(A)
    outcomes = await desk.do(*[desk.send(A, "once", key="k") for _ in range(50)])
    assert len({outcome.result.message.id for outcome in outcomes}) == 1
    assert [outcome.result.replayed for outcome in outcomes].count(False) == 1
    assert await read_all(messages) == [(1, "once")]


async def test_mixed_commands_keep_their_order(desk: Desk, conversations: ConversationStore) -> None:
    """Each sees what stands before it in the batch, and not what stands after."""
    await desk.group(A)
    first = await desk.sent(A, "first")
    outcomes = await desk.do(
        desk.send(B, "too early"),
        desk.add(A, B),
        desk.send(B, "in time"),
        desk.read(B, 99),
        desk.edit(A, first.id, "edited"),
        desk.remove(A, B),
        desk.send(B, "too late"),
        desk.send(A, "last"),
    )
    assert [outcome.error.reason if outcome.error else "" for outcome in outcomes] == [
        *("CONVERSATION_NOT_FOUND", "", "", "", "", "", "CONVERSATION_NOT_FOUND", "")
    ]
    assert outcomes[3].result == ReadMark("g", 2, 0, 0)
    assert [told(outcome)[0][1] for outcome in outcomes if outcome.changes and told(outcome)[0][1]] == [3, 4, 5, 6, 7]
    view = await conversations.get(as_(A), "g")
    assert (view.conversation.last_seq, view.conversation.last_pos, view.conversation.member_count) == (3, 7, 1)


async def test_many_conversations_in_one_batch_are_numbered_each_for_itself(desk: Desk, messages: MessageStore) -> None:
    """Whatever the order they come in."""
    groups = [await desk.group(A, id_=f"g{i}") for i in range(5)]
    order = [group for group in groups for _ in range(7)]
    random.Random(1).shuffle(order)
    await desk.do(*[desk.send(A, "x", group) for group in order])
    for group in groups:
        assert [seq for seq, _ in await read_all(messages, group)] == [1, 2, 3, 4, 5, 6, 7]


async def test_concurrent_batches_do_not_lose_or_repeat_a_number(desk: Desk, messages: MessageStore) -> None:
    """Even when two writers work at the same time: their conversations are locked in one order."""
    groups = [await desk.group(A, id_=f"g{i}") for i in range(3)]

    async def write(order: list[str]) -> None:
        for _ in range(5):
            await desk.do(*[desk.send(A, "x", group) for group in order])

    await asyncio.gather(write(groups), write(groups[::-1]), write(groups))
    for group in groups:
        assert [seq for seq, _ in await read_all(messages, group)] == list(range(1, 16))


async def test_the_log_and_what_it_tells_of_are_written_together(desk: Desk, feed: FeedStore) -> None:
    """Every change stands in the log, at the place it was published with, with the call that made it."""
    await desk.group(A)
    (outcome,) = await desk.do(desk.send(A, "hello"))
    (change,) = outcome.changes
    (logged,) = await feed.changes(as_(A), [("g", 2)])
    assert (logged.type, logged.pos, logged.message) == ("message-new", 2, outcome.result.message)
    assert (logged.event_id, logged.at, logged.origin) == (change.event_id, change.at, change.origin)


class Fault(Command):
    """No journal knows it."""


async def test_a_batch_is_written_whole_or_not_at_all(desk: Desk, messages: MessageStore) -> None:
    """What stood before a fault is gone with it, and its numbers come again."""
    await desk.group(A)
    with pytest.raises(KeyError):
        await desk.do(desk.send(A, "lost"), Fault(desk.send(A).origin))
    assert await read_all(messages) == []
    assert (await desk.sent(A, "kept")).seq == 1


async def test_attachments_tell_the_place_they_stand_at(desk: Desk) -> None:
    """After what stands before in the batch, before what stands after; each for its own user."""
    await desk.group(A, B)
    outcomes = await desk.do(
        desk.send(A), desk.attach(A), desk.attach(B), desk.attach(C), desk.send(A), desk.add(A, C), desk.attach(C)
    )
    assert outcomes[1].result == outcomes[2].result == Place(1, {"g": 2})
    assert outcomes[3].result == Place(0, {})
    assert outcomes[6].result == Place(1, {"g": 4})


async def test_a_pair_has_one_dm(desk: Desk) -> None:
    """Whoever asks first, also in one batch."""
    first, again = await desk.do(desk.create(A, B, kind=Kind.DM), desk.create(B, A, kind=Kind.DM))
    assert isinstance(first.result, Created)
    assert again.result == Created(first.result.conversation_id, replayed=True)
    assert (first.result.replayed, again.changes) == (False, ())
    other = await desk.result(desk.create(A, C, kind=Kind.DM))
    assert other.conversation_id != first.result.conversation_id


async def test_a_new_conversation_is_told_to_each_member(desk: Desk) -> None:
    """In its own log to who joins by it, then in each member's."""
    (outcome,) = await desk.do(desk.create(A, B, id_="g"))
    assert told(outcome) == [
        ("conversation-created", 1, "", 0),
        ("conversation-added", 0, A, 1),
        ("conversation-added", 0, B, 1),
    ]
    assert outcome.changes[0].joining == (A, B)


async def test_adding_members_leaves_those_who_are_in_it(desk: Desk) -> None:
    """The answer names all that were asked for; only new ones are told of."""
    await desk.group(A, B)
    (outcome,) = await desk.do(desk.add(A, C, B, D, role=Role.GUEST))
    roles = [(m.user_id, m.role) for m in outcome.result]
    assert roles == [(C, Role.GUEST), (B, Role.MEMBER), (D, Role.GUEST)]
    assert told(outcome) == [
        ("member-added", 2, "", 0),
        ("conversation-added", 0, C, 1),
        ("member-added", 3, "", 0),
        ("conversation-added", 0, D, 1),
    ]
    assert [change.joining for change in outcome.changes[::2]] == [(C,), (D,)]
    (again,) = await desk.do(desk.add(A, C))
    assert again.changes == []


async def test_a_removal_is_told_to_the_others_and_in_the_own_log(desk: Desk) -> None:
    """The removed member gets nothing of the conversation any more."""
    await desk.group(A, B)
    (outcome,) = await desk.do(desk.remove(A, B))
    assert told(outcome) == [("member-removed", 2, "", 0), ("conversation-removed", 0, B, 2)]
    assert outcome.changes[0].except_user_id == B
    assert await desk.refusal(desk.remove(A, B)) == "MEMBER_NOT_FOUND"
    assert await desk.refusal(desk.send(B)) == "CONVERSATION_NOT_FOUND"


async def test_the_last_member_leaves_an_empty_conversation(desk: Desk) -> None:
    """The last owner stays while others are there."""
    await desk.group(A, B)
    assert await desk.refusal(desk.remove(A, A)) == "LAST_OWNER"
    await desk.result(desk.remove(B, B))
    await desk.result(desk.remove(A, A))
    assert await desk.refusal(desk.send(A)) == "CONVERSATION_NOT_FOUND"


async def test_roles_change_and_are_told(desk: Desk) -> None:
    """An equal role is no change; the last owner cannot step down; a second one can."""
    await desk.group(A, B)
    assert await desk.refusal(desk.promote(B, A, Role.MEMBER)) == "ROLE_TOO_LOW"
    assert await desk.refusal(desk.promote(A, C, Role.MEMBER)) == "MEMBER_NOT_FOUND"
    assert await desk.refusal(desk.promote(A, A, Role.ADMIN)) == "LAST_OWNER"
    (same,) = await desk.do(desk.promote(A, B, Role.MEMBER))
    assert (same.result.role, same.changes) == (Role.MEMBER, ())
    (changed,) = await desk.do(desk.promote(A, B, Role.OWNER))
    assert (changed.result.role, told(changed)) == (Role.OWNER, [("member-updated", 2, "", 0)])
    assert (await desk.result(desk.promote(A, A, Role.GUEST))).role is Role.GUEST
    assert await desk.refusal(desk.send(A)) == "ROLE_TOO_LOW"


async def test_renaming_is_told_only_when_something_is_new(desk: Desk, conversations: ConversationStore) -> None:
    """The time of the change moves with it."""
    await desk.group(A, B)
    before = (await conversations.get(as_(A), "g")).conversation
    (same,) = await desk.do(desk.rename(A, "name", "topic"))
    assert same.changes == ()
    (changed,) = await desk.do(desk.rename(A, None, "new"))
    assert told(changed) == [("conversation-updated", 2, "", 0)]
    after = (await conversations.get(as_(A), "g")).conversation
    assert (after.name, after.topic, after.updated_at > before.updated_at) == ("name", "new", True)
    assert await desk.refusal(desk.rename(B, "x")) == "ROLE_TOO_LOW"


async def test_a_dm_is_fixed(desk: Desk) -> None:
    """No name, no members, no roles, no leaving."""
    id_ = (await desk.result(desk.create(A, B, kind=Kind.DM))).conversation_id
    for command in (
        desk.rename(A, "x", id_=id_),
        desk.add(A, C, to=id_),
        desk.remove(A, B, from_=id_),
        desk.remove(A, A, from_=id_),
    ):
        assert await desk.refusal(command) == "DM_FIXED"

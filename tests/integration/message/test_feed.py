"""Subscribe, Sync and typing, as clients of FeedService see them."""

import asyncio
import random
from collections.abc import Iterable
from typing import Any

import pytest

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1.change_pb2 import Change
from chat.message.v1.conversation_pb2 import MEMBER_ROLE_ADMIN
from mesh.errors import Exhausted, Invalid, NotFound, Unavailable
from services.message.feed import subscription
from tests.integration.message.world import Feed, World


def told(changes: Iterable[Change]) -> list[tuple[str, int, int]]:
    return [(change.type, change.pos, change.user_pos) for change in changes]


async def add(world: World, by: str, conversation_id: str, user_id: str) -> None:
    request = conversations_pb.AddMembersRequest(conversation_id=conversation_id, user_ids=[user_id])
    await world.ask(world.conversations.AddMembers, request, by)


async def remove(world: World, by: str, conversation_id: str, user_id: str) -> None:
    request = conversations_pb.RemoveMemberRequest(conversation_id=conversation_id, user_id=user_id)
    await world.ask(world.conversations.RemoveMember, request, by)


async def test_a_new_client_gets_what_happens_from_now_on(world: World, anna: str, bela: str) -> None:
    """First it is told where everything stands."""
    group = await world.create(anna, bela)
    await world.send(anna, group.id, "before")
    async with world.subscribe(bela) as feed:
        ready = await feed.ready()
        assert (ready.user_pos, dict(ready.positions), ready.heartbeat_s) == (1, {group.id: 2}, 45)
        sent = await world.send(anna, group.id, "now", client_msg_id="k")
        change = await feed.change()
    assert (change.type, change.pos, change.seq, change.event_id) == ("message-new", 3, 2, f"{group.id}:3")
    assert (change.client_msg_id, change.actor_id, change.correlation_id) == ("k", anna, f"call-of-{anna}")
    assert change.data.message == sent


async def test_a_client_that_was_away_gets_what_it_missed_then_what_happens(world: World, anna: str, bela: str) -> None:
    """From its place on, in order, and messages in their present state."""
    group = await world.create(anna, bela)
    first = await world.send(anna, group.id, "secret")
    delete = messages_pb.DeleteMessageRequest(id=first.id)
    await world.ask(world.messages.DeleteMessage, delete, anna)
    async with world.subscribe(bela, 1, {group.id: 1}) as feed:
        await feed.ready()
        missed = await feed.changes(2)
        await world.send(anna, group.id, "live")
        live = await feed.change()
    assert told([*missed, live]) == [("message-new", 2, 0), ("message-deleted", 3, 0), ("message-new", 4, 0)]
    assert [change.data.message.text for change in missed] == ["", ""]
    assert missed[0].data.message.sender.username == "anna"


async def test_a_conversation_joined_meanwhile_starts_at_its_beginning(world: World, anna: str, bela: str) -> None:
    """Its log comes before the own one, which tells of the joining."""
    await world.create(bela)
    known = await world.create(anna, bela)
    group = await world.create(anna)
    await world.send(anna, group.id)
    await add(world, anna, group.id, bela)
    async with world.subscribe(bela, 2, {known.id: 1}) as feed:
        await feed.ready()
        changes = await feed.changes(4)
    assert told(changes) == [
        ("conversation-created", 1, 0),
        ("message-new", 2, 0),
        ("member-added", 3, 0),
        ("conversation-added", 0, 3),
    ]
    assert changes[2].data.member.user.username == "bela"
    assert changes[3].data.conversation.last_pos == 3


async def test_a_conversation_that_is_not_ones_own_is_left_out(world: World, anna: str, bela: str) -> None:
    """Without a word, even when its place would be ahead."""
    foreign = await world.create(anna)
    async with world.subscribe(bela, 0, {foreign.id: 99}) as feed:
        assert dict((await feed.ready()).positions) == {}
    response = await world.sync(bela, 0, {foreign.id: 99})
    assert (list(response.events), dict(response.positions)) == ([], {foreign.id: 99})


@pytest.mark.parametrize(("user_pos", "pos"), [(0, 2), (2, 1)])
async def test_no_place_lies_after_the_end(world: World, anna: str, user_pos: int, pos: int) -> None:
    """Neither in a conversation's log nor in the own one."""
    group = await world.create(anna)
    with pytest.raises(Invalid, match="POSITION_AHEAD"):
        await world.sync(anna, user_pos, {group.id: pos})
    async with world.subscribe(anna, user_pos, {group.id: pos}) as feed:
        with pytest.raises(Invalid, match="POSITION_AHEAD"):
            await feed.item()


async def test_live_membership(world: World, anna: str, bela: str) -> None:
    """Whoever is added gets that and what follows; whoever is removed only their own log."""
    group = await world.create(anna)
    async with world.subscribe(bela) as feed, world.subscribe(anna) as other:
        await feed.ready()
        await other.ready()
        await add(world, anna, group.id, bela)
        await world.send(anna, group.id)
        await remove(world, anna, group.id, bela)
        await world.send(anna, group.id, "not for bela")
        await world.create(anna, bela)
        assert told(await feed.changes(6)) == [
            ("member-added", 2, 0),
            ("conversation-added", 0, 1),
            ("message-new", 3, 0),
            ("conversation-removed", 0, 2),
            ("conversation-created", 1, 0),
            ("conversation-added", 0, 3),
        ]
        assert told(await other.changes(4)) == [
            ("member-added", 2, 0),
            ("message-new", 3, 0),
            ("member-removed", 4, 0),
            ("message-new", 5, 0),
        ]


async def test_every_kind_of_change_tells_what_it_is_about(world: World, anna: str, bela: str, cleo: str) -> None:
    """Live and replayed alike, with present profiles."""
    group = await world.create(anna, bela, cleo)
    async with world.subscribe(bela, 1, {group.id: 1}) as feed:
        await feed.ready()
        message = await world.send(bela, group.id, "text")
        await world.ask(world.messages.EditMessage, messages_pb.EditMessageRequest(id=message.id, text="new"), bela)
        rename = conversations_pb.UpdateConversationRequest(id=group.id, name="renamed")
        await world.ask(world.conversations.UpdateConversation, rename, anna)
        role = conversations_pb.UpdateMemberRequest(conversation_id=group.id, user_id=bela, role=MEMBER_ROLE_ADMIN)
        await world.ask(world.conversations.UpdateMember, role, anna)
        await remove(world, anna, group.id, cleo)
        mark = conversations_pb.MarkReadRequest(conversation_id=group.id, seq=1)
        await world.ask(world.conversations.MarkRead, mark, bela)
        await world.ask(world.conversations.MarkRead, mark, anna)
        live = await feed.changes(7)
    assert [change.type for change in live] == [
        *("message-new", "message-updated", "conversation-updated", "member-updated", "member-removed"),
        *("unread-updated", "receipt-read"),
    ]
    assert live[2].data.conversation.name == "renamed"
    assert [m.user.username for m in live[2].data.conversation.members] == ["anna", "bela", "cleo"]
    assert (live[3].data.member.user.username, live[3].data.member.role) == ("bela", MEMBER_ROLE_ADMIN)
    assert live[4].data.member.user.username == "cleo"
    assert (live[5].data.unread.last_read_seq, live[5].data.unread.unread_count) == (1, 0)
    assert (live[6].data.receipt.user_id, live[6].data.receipt.last_read_seq, live[6].event_id) == (anna, 1, "")
    replayed = list((await world.sync(bela, 1, {group.id: 1})).events)
    assert replayed[1:] == live[1:6]
    assert replayed[0].data.message == live[1].data.message


async def test_missed_and_live_are_each_number_once(world: World, anna: str, bela: str, cleo: str) -> None:
    """However many write, and whenever somebody begins to read, from wherever."""
    dice = random.Random(7)
    group = await world.create(anna, bela)
    total, writers = 300, 6

    async def write() -> None:
        for _ in range(total // writers):
            await world.send(anna, group.id)

    async def read() -> list[int]:
        after = (await world.get(bela, group.id)).last_pos
        place = dice.randint(0, after)
        async with world.subscribe(bela, 1, {group.id: place}) as feed:
            await feed.ready()
            return [place, *[change.pos for change in await feed.changes(total + 1 - place)]]

    async with asyncio.TaskGroup() as group_of_tasks:
        for _ in range(writers):
            group_of_tasks.create_task(write())
        readers = []
        for _ in range(8):
            await world.create(cleo)  # Takes its turn among the sends, so that readers begin between them.
            readers.append(group_of_tasks.create_task(read()))
    for reader in readers:
        positions = reader.result()
        assert positions == list(range(positions[0], total + 2))


async def read_on(feed: Feed, seen: list[int]) -> None:
    """Reads until the stream ends."""
    while True:
        seen.append((await feed.change()).pos)


async def test_a_reader_that_is_too_slow_is_sent_away(world: World, anna: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer does not wait for it; what it has read is a place to go on from."""
    monkeypatch.setattr(subscription, "MAX_WAITING", 20)
    group = await world.create(anna)
    async with world.subscribe(anna) as feed:
        await feed.ready()
        await asyncio.gather(*[world.send(anna, group.id) for _ in range(400)])
        seen = [1]
        with pytest.raises(Exhausted, match="SLOW_CONSUMER"):
            await read_on(feed, seen)
    assert seen == list(range(1, seen[-1] + 1))
    assert seen[-1] < 401
    assert (await world.sync(anna, 1, {group.id: seen[-1]})).events[0].pos == seen[-1] + 1


async def test_pages_of_sync_lead_to_the_present(world: World, anna: str, bela: str) -> None:
    """Each moves the place, which names all conversations from then on."""
    group = await world.create(anna, bela)
    other = await world.create(anna, bela)
    await asyncio.gather(*[world.send(anna, group.id) for _ in range(6)])
    first = await world.sync(bela, 1, {group.id: 1}, limit=4)
    assert ([c.pos for c in first.events], first.has_more) == ([2, 3, 4, 5], True)
    assert (first.user_pos, dict(first.positions)) == (1, {group.id: 5, other.id: 0})
    second = await world.sync(bela, first.user_pos, dict(first.positions), limit=4)
    assert [(c.conversation_id, c.pos, c.user_pos) for c in second.events] == [
        (group.id, 6, 0),
        (group.id, 7, 0),
        (other.id, 1, 0),
        (other.id, 0, 2),
    ]
    assert (second.user_pos, dict(second.positions), second.has_more) == (2, {group.id: 7, other.id: 1}, False)
    nothing = await world.sync(bela, second.user_pos, dict(second.positions))
    assert (list(nothing.events), nothing.has_more) == ([], False)


async def test_what_is_too_long_to_tell_is_skipped(world: World, anna: str, bela: str) -> None:
    """The place is moved on at once; what happens after it is told, and pages hold what is short."""
    long, short = await world.create(anna, bela), await world.create(anna, bela)
    await asyncio.gather(
        *[world.send(anna, long.id) for _ in range(9)], *[world.send(anna, short.id) for _ in range(3)]
    )
    request = pb.SyncRequest(user_pos=2, positions={long.id: 1, short.id: 1}, limit=2, max_per_conversation=3)
    first = await world.ask(world.feed.Sync, request, bela)
    assert [(one.conversation_id, one.from_pos, one.to_pos, one.last_seq) for one in first.limited] == [
        (long.id, 1, 10, 9)
    ]
    assert ([(c.conversation_id, c.pos) for c in first.events], first.has_more) == (
        [(short.id, 2), (short.id, 3)],
        True,
    )
    assert dict(first.positions) == {long.id: 10, short.id: 3}
    await world.send(anna, long.id, "after")
    request = pb.SyncRequest(user_pos=2, positions=first.positions, max_per_conversation=3)
    second = await world.ask(world.feed.Sync, request, bela)
    assert [(c.conversation_id, c.pos) for c in second.events] == [(long.id, 11), (short.id, 4)]
    assert (list(second.limited), second.has_more) == ([], False)


async def test_what_one_is_not_in_any_more_is_not_skipped_either(world: World, anna: str, bela: str) -> None:
    """It does not appear at all; nor is anything skipped when nobody asked for it."""
    gone, here = await world.create(anna, bela), await world.create(anna, bela)
    await asyncio.gather(*[world.send(anna, group.id) for group in (gone, here) for _ in range(5)])
    await remove(world, anna, gone.id, bela)
    place = {gone.id: 1, here.id: 1}
    request = pb.SyncRequest(user_pos=3, positions=place, max_per_conversation=2)
    response = await world.ask(world.feed.Sync, request, bela)
    assert [one.conversation_id for one in response.limited] == [here.id]
    assert (list(response.events), response.has_more) == ([], False)
    everything = await world.sync(bela, 3, place)
    assert ({c.conversation_id for c in everything.events}, list(everything.limited)) == ({here.id}, [])


async def test_a_new_client_syncs_to_the_present(world: World, anna: str) -> None:
    """Nothing was missed; the place is where everything stands."""
    group = await world.create(anna)
    response = await world.sync(anna)
    assert (list(response.events), response.has_more) == ([], False)
    assert (response.user_pos, dict(response.positions)) == (1, {group.id: 1})


async def test_a_page_of_large_changes_ends_early(world: World, anna: str) -> None:
    """Its place tells how far it came."""
    group = await world.create(anna)
    await asyncio.gather(*[world.send(anna, group.id, "\U0001f600" * 10_000) for _ in range(70)])
    positions, seen, more = {group.id: 1}, [], True
    while more:
        page = await world.sync(anna, 1, positions)
        assert page.events
        seen += [change.pos for change in page.events]
        positions, more = dict(page.positions), page.has_more
    assert seen == list(range(2, 72))


async def test_typing_is_told_to_the_others(world: World, anna: str, bela: str) -> None:
    """Not to oneself, and it ends by itself."""
    group = await world.create(anna, bela)
    async with world.subscribe(bela) as feed, world.subscribe(anna) as own:
        await feed.ready()
        await own.ready()
        await world.ask(world.feed.StartTyping, pb.StartTypingRequest(conversation_id=group.id), anna)
        await world.ask(world.feed.StopTyping, pb.StopTypingRequest(conversation_id=group.id), anna)
        await world.send(anna, group.id)
        typing, stopped, _ = await feed.changes(3)
        assert (await own.change()).type == "message-new"
    assert (typing.type, typing.data.typing.user_id, typing.event_id, typing.pos) == ("typing", anna, "", 0)
    assert typing.data.typing.expires_at.seconds - typing.ts.seconds == 6
    assert (stopped.type, stopped.data.typing.HasField("expires_at")) == ("stop-typing", False)


async def test_strangers_do_not_type(world: World, anna: str, bela: str) -> None:
    """The conversation does not exist for them."""
    group = await world.create(anna)
    requests: list[tuple[Any, Any]] = [
        (world.feed.StartTyping, pb.StartTypingRequest(conversation_id=group.id)),
        (world.feed.StopTyping, pb.StopTypingRequest(conversation_id=group.id)),
    ]
    for method, request in requests:
        with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
            await world.ask(method, request, bela)


async def test_streams_end_when_the_process_drains(world: World, anna: str) -> None:
    """So that clients go on elsewhere."""
    async with world.subscribe(anna) as feed:
        await feed.ready()
        for drain in world.drains:
            drain()
        with pytest.raises(Unavailable, match="DRAINING"):
            await feed.item()

"""Conversations and members, as clients of ConversationService see them."""

import asyncio
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from uuid_utils.compat import uuid7

from chat.message.v1 import conversation_pb2
from chat.message.v1 import conversation_service_pb2 as pb
from mesh.errors import Error, Forbidden, Invalid, NotFound, Stale, WrongState
from tests.integration.message.world import DM, GROUP, World

OWNER, ADMIN = conversation_pb2.MEMBER_ROLE_OWNER, conversation_pb2.MEMBER_ROLE_ADMIN
MEMBER, GUEST = conversation_pb2.MEMBER_ROLE_MEMBER, conversation_pb2.MEMBER_ROLE_GUEST


async def listed(world: World, user_id: str, **place: Any) -> pb.ListConversationsResponse:
    return await world.ask(world.conversations.ListConversations, pb.ListConversationsRequest(**place), user_id)


async def test_a_group_shows_its_members_and_ones_own_part(world: World, anna: str, bela: str) -> None:
    """The maker owns it; profiles are joined."""
    request = pb.CreateConversationRequest(type=GROUP, name="n", topic="t", member_ids=[bela, anna])
    response = await world.ask(world.conversations.CreateConversation, request, anna)
    group = response.conversation
    assert (response.replayed, group.type, group.name, group.topic, group.member_count) == (False, GROUP, "n", "t", 2)
    assert [(m.user.username, m.role) for m in group.members] == [("anna", OWNER), ("bela", MEMBER)]
    assert (group.my.role, group.unread_count, group.last_seq, group.last_pos) == (OWNER, 0, 0, 1)
    assert (await world.get(bela, group.id)).my.role == MEMBER


async def test_a_pair_has_one_dm_however_often_it_is_asked_for(world: World, anna: str, bela: str) -> None:
    """From both sides and at the same time."""
    asks = [
        world.ask(world.conversations.CreateConversation, pb.CreateConversationRequest(type=DM, member_ids=[to]), by)
        for by, to in [(anna, bela), (bela, anna)] * 5
    ]
    responses = await asyncio.gather(*asks)
    assert len({response.conversation.id for response in responses}) == 1
    assert [response.replayed for response in responses].count(False) == 1
    assert {m.role for m in responses[0].conversation.members} == {MEMBER}


@pytest.mark.parametrize(("members", "name"), [(0, ""), (2, ""), (1, "name")])
async def test_a_dm_is_two_people_without_a_name(world: World, anna: str, members: int, name: str) -> None:
    """Everything else names the field that is wrong."""
    ids = [world.users.add(f"u{i}") for i in range(members)]
    request = pb.CreateConversationRequest(type=DM, name=name, member_ids=ids)
    with pytest.raises(Invalid, match="INVALID_REQUEST") as caught:
        await world.ask(world.conversations.CreateConversation, request, anna)
    assert caught.value.violations


async def test_nobody_talks_to_themselves(world: World, anna: str) -> None:
    """A dm with oneself is refused."""
    request = pb.CreateConversationRequest(type=DM, member_ids=[anna])
    with pytest.raises(Invalid, match="INVALID_REQUEST"):
        await world.ask(world.conversations.CreateConversation, request, anna)


async def test_members_must_exist(world: World, anna: str) -> None:
    """At the start and later."""
    nobody = str(uuid7())
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await world.create(anna, nobody)
    group = await world.create(anna)
    add = pb.AddMembersRequest(conversation_id=group.id, user_ids=[nobody])
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await world.ask(world.conversations.AddMembers, add, anna)


async def test_members_are_of_ones_own_workspace(world: World, anna: str, bela: str) -> None:
    """Whoever another workspace knows is nobody here, also when their own workspace has just asked for them."""
    xavi, yara = world.users.add("xavi", "elsewhere"), world.users.add("yara", "elsewhere")
    await world.create(xavi, yara)
    group = await world.create(anna, bela)
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await world.create(anna, xavi)
    for request in (
        pb.AddMembersRequest(conversation_id=group.id, user_ids=[yara]),
        pb.CreateConversationRequest(type=DM, member_ids=[yara]),
    ):
        method = getattr(world.conversations, type(request).__name__.removesuffix("Request"))
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            await world.ask(method, request, anna)
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await world.create(xavi, anna)


async def test_whoever_is_blocked_is_not_drawn_into_anything(world: World, anna: str, bela: str, cleo: str) -> None:
    """The answer is the same, whoever of the two has blocked the other; what they have already goes on."""
    dm = pb.CreateConversationRequest(type=DM, member_ids=[bela])
    old = (await world.ask(world.conversations.CreateConversation, dm, anna)).conversation
    group = await world.create(anna)
    told = []
    for blocker, blocked in ((anna, bela), (bela, anna)):
        world.blocks.pairs = {(blocker, blocked)}
        for method, request in (
            (world.conversations.CreateConversation, dm),
            (world.conversations.CreateConversation, pb.CreateConversationRequest(type=GROUP, member_ids=[cleo, bela])),
            (world.conversations.AddMembers, pb.AddMembersRequest(conversation_id=group.id, user_ids=[bela, cleo])),
        ):
            with pytest.raises(Forbidden, match="CONTACT_REFUSED") as caught:
                await world.ask(method, request, anna)
            told.append((caught.value.message, caught.value.metadata))
    assert [metadata["user_ids"] for _, metadata in told] == [bela] * 6
    assert told[:3] == told[3:]
    assert (await world.get(anna, group.id)).member_count == 1
    assert (await world.send(bela, old.id)).seq == 1


async def test_a_conversation_says_where_it_belongs(world: World, anna: str) -> None:
    """To all alike."""
    xavi = world.users.add("xavi", "elsewhere")
    assert [(await world.create(user)).workspace_id for user in (anna, xavi)] == ["default", "elsewhere"]


async def test_names_are_changed_by_who_has_read_the_present_ones(world: World, anna: str, bela: str) -> None:
    """Messages do not disturb; a name, or somebody who joins, does."""
    group = await world.create(anna)

    async def rename(name: str, etag: str) -> conversation_pb2.Conversation:
        request = pb.UpdateConversationRequest(id=group.id, name=name, etag=etag)
        return (await world.ask(world.conversations.UpdateConversation, request, anna)).conversation

    await world.send(anna, group.id)
    renamed = await rename("new", group.etag)
    read = await world.get(anna, group.id)
    assert renamed.etag == read.etag != group.etag
    assert await rename("new", group.etag) == renamed
    add = pb.AddMembersRequest(conversation_id=group.id, user_ids=[bela])
    await world.ask(world.conversations.AddMembers, add, anna)
    with pytest.raises(Stale, match="ETAG_MISMATCH"):
        await rename("newer", renamed.etag)
    assert (await world.get(anna, group.id)).name == "new"


async def test_pages_of_conversations(world: World, anna: str, bela: str) -> None:
    """Newest first, stable while new ones are made, back and forth, and nobody else's."""
    ids = [(await world.create(anna)).id for _ in range(5)]
    await world.create(bela)
    first = await listed(world, anna, limit=2)
    assert ([c.id for c in first.items], first.page.prev_cursor, first.page.has_more) == (ids[:2:-1], "", True)
    newest = (await world.create(anna)).id
    second = await listed(world, anna, limit=2, cursor=first.page.next_cursor)
    assert [c.id for c in second.items] == ids[2:0:-1]
    last = await listed(world, anna, limit=2, cursor=second.page.next_cursor)
    assert ([c.id for c in last.items], last.page.has_more, last.page.next_cursor) == (ids[:1], False, "")
    back = await listed(world, anna, limit=2, cursor=second.page.prev_cursor)
    assert ([c.id for c in back.items], bool(back.page.prev_cursor)) == (ids[:2:-1], True)
    top = await listed(world, anna, limit=2, cursor=back.page.prev_cursor)
    assert ([c.id for c in top.items], top.page.prev_cursor) == ([newest], "")
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await listed(world, bela, cursor=first.page.next_cursor)


async def test_a_page_of_large_conversations_ends_early(world: World, anna: str) -> None:
    """It stays below what one gRPC message may hold, whichever way it is read."""
    ids = [(await world.create(anna)).id for _ in range(60)]
    await asyncio.gather(*[world.send(anna, id_, "\U0001f600" * 10_000) for id_ in ids])
    seen: list[str] = []
    response = await listed(world, anna, limit=100)
    while True:
        seen += [c.id for c in response.items]
        if not response.page.has_more:
            break
        response = await listed(world, anna, limit=100, cursor=response.page.next_cursor)
    assert seen == ids[::-1]
    back: list[str] = [c.id for c in response.items]
    while response.page.prev_cursor:
        response = await listed(world, anna, limit=100, cursor=response.page.prev_cursor)
        back = [c.id for c in response.items] + back
    assert back == seen


async def test_a_list_shows_what_is_new_in_each(world: World, anna: str, bela: str) -> None:
    """The last message with its sender, and what is unread; known profiles are not asked for again."""
    for _ in range(3):
        await world.send(bela, (await world.create(anna, bela)).id)
    asked = world.users.calls
    response = await listed(world, anna)
    assert [(c.unread_count, c.last_message.sender.username) for c in response.items] == [(1, "bela")] * 3
    assert world.users.calls == asked


async def test_names_change_for_all_members(world: World, anna: str, bela: str) -> None:
    """Only what the mask names; without a mask, what is given."""
    group = await world.create(anna, bela, name="old")

    async def update(**fields: Any) -> tuple[str, str]:
        request = pb.UpdateConversationRequest(id=group.id, **fields)
        response = await world.ask(world.conversations.UpdateConversation, request, anna)
        return response.conversation.name, response.conversation.topic

    assert await update(name="new", topic="t", update_mask=FieldMask(paths=["topic"])) == ("old", "t")
    assert await update(name="new") == ("new", "t")
    assert await update(topic="", update_mask=FieldMask(paths=["topic"])) == ("new", "")
    assert (await world.get(bela, group.id)).name == "new"


async def test_members_come_and_go(world: World, anna: str, bela: str, cleo: str) -> None:
    """Added, promoted, removed, and leaving by themselves."""
    group = await world.create(anna, bela)
    add = pb.AddMembersRequest(conversation_id=group.id, user_ids=[cleo, bela])
    added = await world.ask(world.conversations.AddMembers, add, anna)
    assert [(m.user.username, m.role) for m in added.items] == [("cleo", MEMBER), ("bela", MEMBER)]
    promote = pb.UpdateMemberRequest(conversation_id=group.id, user_id=bela, role=ADMIN)
    assert (await world.ask(world.conversations.UpdateMember, promote, anna)).member.role == ADMIN
    remove = pb.RemoveMemberRequest(conversation_id=group.id, user_id=cleo)
    await world.ask(world.conversations.RemoveMember, remove, bela)
    with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
        await world.get(cleo, group.id)
    leave = pb.LeaveConversationRequest(id=group.id)
    with pytest.raises(WrongState, match="LAST_OWNER"):
        await world.ask(world.conversations.LeaveConversation, leave, anna)
    await world.ask(world.conversations.LeaveConversation, leave, bela)
    assert (await world.get(anna, group.id)).member_count == 1
    await world.ask(world.conversations.LeaveConversation, leave, anna)
    assert not (await listed(world, anna)).items


async def test_pages_of_members(world: World, anna: str) -> None:
    """In the order they joined, back and forth."""
    names = [f"user{i}" for i in range(4)]
    group = await world.create(anna, *[world.users.add(name) for name in names])

    async def page(cursor: str) -> pb.ListMembersResponse:
        request = pb.ListMembersRequest(conversation_id=group.id, cursor=cursor, limit=2)
        return await world.ask(world.conversations.ListMembers, request, anna)

    first = await page("")
    second = await page(first.page.next_cursor)
    third = await page(second.page.next_cursor)
    shown = [[m.user.username for m in response.items] for response in (first, second, third)]
    assert shown == [["anna", "user0"], ["user1", "user2"], ["user3"]]
    back = await page(third.page.prev_cursor)
    assert [m.user.username for m in back.items] == ["user1", "user2"]


async def test_hundreds_are_added_and_listed_at_once(world: World, anna: str) -> None:
    """A thousand by one call; two hundred on one page."""
    group = await world.create(anna)
    user_ids = [world.users.add(f"user{i}") for i in range(1001)]
    add = pb.AddMembersRequest(conversation_id=group.id, user_ids=user_ids[:1000])
    assert [m.user.id for m in (await world.ask(world.conversations.AddMembers, add, anna)).items] == user_ids[:1000]
    add = pb.AddMembersRequest(conversation_id=group.id, user_ids=user_ids)
    with pytest.raises(Invalid, match="INVALID_REQUEST"):
        await world.ask(world.conversations.AddMembers, add, anna)
    for limit, shown in ((0, 50), (200, 200), (1000, 200)):
        request = pb.ListMembersRequest(conversation_id=group.id, limit=limit)
        page = await world.ask(world.conversations.ListMembers, request, anna)
        assert [m.user.id for m in page.items] == [anna, *user_ids[: shown - 1]]


async def test_reading_is_counted(world: World, anna: str, bela: str) -> None:
    """The mark moves forward, never beyond the last message."""
    group = await world.create(anna, bela)
    for _ in range(3):
        await world.send(anna, group.id)
    assert (await world.get(bela, group.id)).unread_count == 3

    async def mark(seq: int) -> tuple[int, int]:
        request = pb.MarkReadRequest(conversation_id=group.id, seq=seq)
        response = await world.ask(world.conversations.MarkRead, request, bela)
        return response.last_read_seq, response.unread_count

    assert [await mark(2), await mark(1), await mark(99)] == [(2, 1), (2, 1), (3, 0)]
    assert (await world.get(bela, group.id)).my.last_read_seq == 3
    assert (await world.get(anna, group.id)).unread_count == 0


async def test_strangers_change_nothing(world: World, anna: str, bela: str) -> None:
    """The conversation does not exist for them, whatever they try."""
    group = await world.create(anna)
    conversations = world.conversations
    for method, request in (
        (conversations.GetConversation, pb.GetConversationRequest(id=group.id)),
        (conversations.UpdateConversation, pb.UpdateConversationRequest(id=group.id, name="x")),
        (conversations.LeaveConversation, pb.LeaveConversationRequest(id=group.id)),
        (conversations.ListMembers, pb.ListMembersRequest(conversation_id=group.id)),
        (conversations.AddMembers, pb.AddMembersRequest(conversation_id=group.id, user_ids=[bela])),
        (
            conversations.UpdateMember,
            pb.UpdateMemberRequest(conversation_id=group.id, user_id=anna, role=GUEST),
        ),
        (conversations.RemoveMember, pb.RemoveMemberRequest(conversation_id=group.id, user_id=anna)),
        (conversations.MarkRead, pb.MarkReadRequest(conversation_id=group.id, seq=1)),
    ):
        with pytest.raises(Error) as caught:
            await world.ask(method, request, bela)
        assert caught.value.reason == "CONVERSATION_NOT_FOUND"

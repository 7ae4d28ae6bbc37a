"""Channels, settings, archiving, deletion and preferences, as clients of ConversationService see them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1 import conversation_pb2
from chat.message.v1 import conversation_service_pb2 as pb
from mesh.errors import Error, Invalid
from tests.integration.message.world import CHANNEL, DM, GROUP, World

PUBLIC, PRIVATE = conversation_pb2.VISIBILITY_PUBLIC, conversation_pb2.VISIBILITY_PRIVATE
OPEN, BY_INVITE = conversation_pb2.JOIN_POLICY_OPEN, conversation_pb2.JOIN_POLICY_INVITE
OWNER, ADMIN = conversation_pb2.MEMBER_ROLE_OWNER, conversation_pb2.MEMBER_ROLE_ADMIN
MEMBER, GUEST = conversation_pb2.MEMBER_ROLE_MEMBER, conversation_pb2.MEMBER_ROLE_GUEST


@asynccontextmanager
async def refused(reason: str) -> AsyncIterator[None]:
    with pytest.raises(Error) as caught:
        yield
    assert caught.value.reason == reason


class Desk:
    """The calls of this service in few words."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stub = world.conversations

    async def channel(self, user_id: str, *member_ids: str, **settings: Any) -> conversation_pb2.Conversation:
        is_open = {"visibility": PUBLIC, "join_policy": OPEN}
        return await self.world.create(user_id, *member_ids, type=CHANNEL, **{"name": "channel", **is_open, **settings})

    async def update(self, user_id: str, id_: str, **fields: Any) -> conversation_pb2.Conversation:
        request = pb.UpdateConversationRequest(id=id_, **fields)
        return (await self.world.ask(self.stub.UpdateConversation, request, user_id)).conversation

    async def join(self, user_id: str, id_: str) -> conversation_pb2.Conversation:
        request = pb.JoinConversationRequest(id=id_)
        return (await self.world.ask(self.stub.JoinConversation, request, user_id)).conversation

    async def add(self, user_id: str, id_: str, *user_ids: str, **fields: Any) -> None:
        request = pb.AddMembersRequest(conversation_id=id_, user_ids=user_ids, **fields)
        await self.world.ask(self.stub.AddMembers, request, user_id)

    async def archive(self, user_id: str, id_: str) -> conversation_pb2.Conversation:
        request = pb.ArchiveConversationRequest(id=id_)
        return (await self.world.ask(self.stub.ArchiveConversation, request, user_id)).conversation

    async def unarchive(self, user_id: str, id_: str) -> conversation_pb2.Conversation:
        request = pb.UnarchiveConversationRequest(id=id_)
        return (await self.world.ask(self.stub.UnarchiveConversation, request, user_id)).conversation

    async def delete(self, user_id: str, id_: str) -> None:
        await self.world.ask(self.stub.DeleteConversation, pb.DeleteConversationRequest(id=id_), user_id)

    async def prefer(self, user_id: str, id_: str, **fields: Any) -> conversation_pb2.Membership:
        request = pb.SetPreferencesRequest(id=id_, **fields)
        return (await self.world.ask(self.stub.SetPreferences, request, user_id)).membership

    async def channels(self, user_id: str, q: str = "", **place: Any) -> pb.ListChannelsResponse:
        return await self.world.ask(self.stub.ListChannels, pb.ListChannelsRequest(q=q, **place), user_id)

    async def listed(self, user_id: str, kept: str = "UNSPECIFIED") -> list[str]:
        filter_ = pb.ConversationFilter.Value(f"CONVERSATION_FILTER_{kept}")
        response = await self.world.ask(
            self.stub.ListConversations, pb.ListConversationsRequest(filter=filter_), user_id
        )
        return [item.id for item in response.items]


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


async def test_a_channel_has_the_settings_that_were_asked_for(desk: Desk, anna: str) -> None:
    """Those that were not are the usual ones; all members of a public channel invite."""
    given = await desk.channel(anna, avatar="https://a/b.png", slow_mode_s=30, topic="t")
    assert (given.type, given.avatar, given.slow_mode_s, given.visibility) == (CHANNEL, "https://a/b.png", 30, PUBLIC)
    roles = given.permissions
    assert (roles.post, roles.invite, roles.mention_all, roles.pin) == (MEMBER, MEMBER, ADMIN, MEMBER)
    quiet = await desk.channel(anna, visibility=PRIVATE, join_policy=BY_INVITE, permissions={"post": ADMIN})
    roles = quiet.permissions
    assert (roles.post, roles.invite, quiet.visibility, quiet.join_policy) == (ADMIN, ADMIN, PRIVATE, BY_INVITE)


async def test_settings_change_as_the_mask_says(desk: Desk, anna: str) -> None:
    """Each kind of them; the etag moves with each, and a repeat is no change."""
    channel = await desk.channel(anna)
    etags = {channel.etag}
    for fields in (
        {"avatar": "https://x/y"},
        {"slow_mode_s": 10},
        {"permissions": {"post": ADMIN, "invite": OWNER}},
        {"join_policy": BY_INVITE},
        {"visibility": PRIVATE},
    ):
        after = await desk.update(anna, channel.id, update_mask=FieldMask(paths=list(fields)), **fields)
        assert await desk.update(anna, channel.id, update_mask=FieldMask(paths=list(fields)), **fields) == after
        etags.add(after.etag)
    assert len(etags) == 6
    assert (after.avatar, after.slow_mode_s, after.permissions.post, after.name) == (
        "https://x/y",
        10,
        ADMIN,
        "channel",
    )
    with pytest.raises(Invalid, match="join_policy"):
        await desk.update(anna, channel.id, join_policy=OPEN)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": GROUP, "visibility": PUBLIC},
        {"type": CHANNEL, "join_policy": OPEN},
        {"type": DM, "name": "", "slow_mode_s": 5},
        {"type": GROUP, "slow_mode_s": 21_601},
        {"type": GROUP, "avatar": "http://not.safe"},
        {"type": GROUP, "permissions": {"post": 99}},
    ],
)
async def test_settings_that_do_not_fit_are_refused(world: World, anna: str, bela: str, fields: dict[str, Any]) -> None:
    """Before anything is made."""
    with pytest.raises(Invalid, match="INVALID_REQUEST"):
        await world.create(anna, bela, **{"name": "n", **fields})


async def test_channels_are_found_by_everybody_in_the_workspace(desk: Desk, world: World, anna: str, bela: str) -> None:
    """By the beginning of their names, whatever the case; private and archived ones are not, nor those elsewhere."""
    ids = [(await desk.channel(anna, name=name)).id for name in ("Über uns", "über alles", "100%", "general")]
    await desk.channel(anna, name="über", visibility=PRIVATE, join_policy=BY_INVITE)
    await desk.archive(anna, (await desk.channel(anna, name="über")).id)
    xavi = world.users.add("xavi", "elsewhere")
    await desk.channel(xavi, name="über")
    assert [item.id for item in (await desk.channels(bela, "ÜBER")).items] == ids[1::-1]
    assert [item.id for item in (await desk.channels(bela, "100%")).items] == [ids[2]]
    assert not (await desk.channels(bela, "%")).items
    first = await desk.channels(bela, limit=3)
    assert [item.id for item in first.items] == ids[:0:-1]
    rest = await desk.channels(bela, limit=3, cursor=first.page.next_cursor)
    assert ([item.id for item in rest.items], rest.page.has_more) == (ids[:1], False)
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await desk.channels(bela, "g", cursor=first.page.next_cursor)
    assert [(item.joined, item.member_count) for item in first.items] == [(False, 1)] * 3
    assert (await desk.channels(anna, "gen")).items[0].joined


async def test_an_open_channel_is_joined_with_everything_read(desk: Desk, world: World, anna: str, bela: str) -> None:
    """By who likes; again is no change; others cannot tell a private one from none."""
    channel = await desk.channel(anna)
    await world.send(anna, channel.id)
    joined = await desk.join(bela, channel.id)
    assert (joined.my.role, joined.unread_count, joined.my.last_read_seq, joined.member_count) == (MEMBER, 0, 1, 2)
    assert await desk.join(bela, channel.id) == joined
    cleo = world.users.add("cleo")
    await desk.update(anna, channel.id, update_mask=FieldMask(paths=["join_policy"]))
    async with refused("NOT_OPEN"):
        await desk.join(cleo, channel.id)
    await desk.update(anna, channel.id, update_mask=FieldMask(paths=["visibility"]))
    xavi = world.users.add("xavi", "elsewhere")
    for stranger in (cleo, xavi):
        async with refused("CONVERSATION_NOT_FOUND"):
            await desk.join(stranger, channel.id)


async def test_whoever_joins_an_empty_channel_owns_it(desk: Desk, world: World, anna: str, bela: str) -> None:
    """So that it always has an owner."""
    channel = await desk.channel(anna)
    await world.ask(world.conversations.LeaveConversation, pb.LeaveConversationRequest(id=channel.id), anna)
    assert (await desk.join(bela, channel.id)).my.role == OWNER


async def test_who_may_add_people_is_a_setting(desk: Desk, world: World, anna: str, bela: str, cleo: str) -> None:
    """Guests never may, and nobody makes somebody more than they are."""
    group = await world.create(anna, bela)
    async with refused("ROLE_TOO_LOW"):
        await desk.add(bela, group.id, cleo)
    await desk.update(anna, group.id, permissions={"invite": MEMBER})
    async with refused("ROLE_TOO_LOW"):
        await desk.add(bela, group.id, cleo, role=ADMIN)
    await desk.add(bela, group.id, cleo, role=GUEST)
    async with refused("ROLE_TOO_LOW"):
        await desk.add(cleo, group.id, world.users.add("dora"))


async def test_what_is_archived_is_read_only(desk: Desk, world: World, anna: str, bela: str, cleo: str) -> None:
    """Reading, marks, preferences and leaving go on. It is told to the members, once."""
    channel = await desk.channel(anna, bela)
    await world.send(anna, channel.id)
    async with refused("ROLE_TOO_LOW"):
        await desk.archive(bela, channel.id)
    archived = await desk.archive(anna, channel.id)
    assert archived.HasField("archived_at")
    assert (await desk.archive(anna, channel.id)).last_pos == archived.last_pos
    for refusal in (
        lambda: world.send(anna, channel.id),
        lambda: desk.update(anna, channel.id, name="new"),
        lambda: desk.add(anna, channel.id, cleo),
        lambda: desk.join(cleo, channel.id),
    ):
        async with refused("CONVERSATION_ARCHIVED"):
            await refusal()
    mark = pb.MarkReadRequest(conversation_id=channel.id, seq=1)
    assert (await world.ask(world.conversations.MarkRead, mark, bela)).unread_count == 0
    assert (await desk.prefer(bela, channel.id, favourite=True)).favourite
    assert await desk.listed(bela, "ARCHIVED") == [channel.id]
    await world.ask(world.conversations.LeaveConversation, pb.LeaveConversationRequest(id=channel.id), bela)
    assert not (await desk.unarchive(anna, channel.id)).HasField("archived_at")
    assert (await world.send(anna, channel.id)).seq == 2
    told = (await world.sync(anna, positions={channel.id: 2})).events
    kinds = ["conversation-archived", "member-removed", "conversation-unarchived", "message-new"]
    assert [change.type for change in told if change.pos] == kinds


async def test_the_end_of_a_conversation_is_told_to_all(desk: Desk, world: World, anna: str, bela: str) -> None:
    """Live and in their own logs; it does not exist any more, for anybody."""
    channel = await desk.channel(anna, bela)
    message = await world.send(anna, channel.id)
    async with refused("ROLE_TOO_LOW"):
        await desk.delete(bela, channel.id)
    async with world.subscribe(bela) as feed:
        ready = await feed.ready()
        await desk.delete(anna, channel.id)
        told = await feed.changes(2)
    assert [change.type for change in told] == ["conversation-deleted", "conversation-removed"]
    own = (await world.sync(bela, user_pos=ready.user_pos)).events
    assert [change.type for change in own] == ["conversation-removed"]
    for gone in (
        lambda: world.get(anna, channel.id),
        lambda: world.send(anna, channel.id),
        lambda: desk.join(bela, channel.id),
        lambda: desk.delete(anna, channel.id),
    ):
        async with refused("CONVERSATION_NOT_FOUND"):
            await gone()
    assert message.id
    assert (await desk.listed(anna), list((await desk.channels(anna)).items)) == ([], [])


async def test_a_dm_has_no_end(desk: Desk, world: World, anna: str, bela: str) -> None:
    """And is not archived."""
    dm = await world.create(anna, bela, type=DM, name="")
    for refusal in (desk.delete, desk.archive, desk.unarchive):
        async with refused("DM_FIXED"):
            await refusal(anna, dm.id)


async def test_preferences_are_ones_own(desk: Desk, world: World, anna: str, bela: str) -> None:
    """Each is set by itself, told on all of one's devices, and seen by nobody else."""
    group = await world.create(anna, bela)
    seen = await world.get(anna, group.id)
    until = Timestamp(seconds=4_000_000_000)
    none = conversation_pb2.NOTIFY_LEVEL_NONE
    async with world.subscribe(bela) as feed:
        await feed.ready()
        await desk.prefer(bela, group.id, muted_until=until, favourite=True)
        after = await desk.prefer(bela, group.id, notify=none)
        assert await desk.prefer(bela, group.id, notify=none) == after
        last = await desk.prefer(bela, group.id, update_mask=FieldMask(paths=["muted_until"]))
        told = await feed.changes(3)
    assert (after.muted_until, after.favourite, after.notify) == (until, True, none)
    assert (last.HasField("muted_until"), last.favourite) == (False, True)
    assert {change.type for change in told} == {"preferences-updated"}
    assert [change.data.membership for change in told[1:]] == [after, last]
    assert (await world.get(bela, group.id)).my == last
    assert await world.get(anna, group.id) == seen
    with pytest.raises(Invalid, match="muted_until"):
        await desk.prefer(bela, group.id, muted_until=Timestamp(seconds=10**12))
    async with refused("CONVERSATION_NOT_FOUND"):
        await desk.prefer(world.users.add("dora"), group.id, favourite=True)


async def test_lists_are_filtered(desk: Desk, world: World, anna: str, bela: str) -> None:
    """A hidden conversation comes back with the next message; each list has its own cursors."""
    ids = [(await world.create(anna, bela, name=str(i))).id for i in range(4)]
    unread, muted, favourite, hidden = ids
    await world.send(bela, unread)
    await world.send(anna, favourite)
    await desk.prefer(anna, muted, muted_until=_soon(days=1))
    await desk.prefer(anna, unread, muted_until=_soon(days=-1))
    await desk.prefer(anna, favourite, favourite=True)
    await desk.prefer(anna, hidden, hidden=True)
    assert await desk.listed(anna) == [favourite, muted, unread]
    for kept, found in (("UNREAD", unread), ("MUTED", muted), ("FAVOURITE", favourite), ("HIDDEN", hidden)):
        assert await desk.listed(anna, kept) == [found]
    await world.send(bela, hidden)
    assert await desk.listed(anna) == [hidden, favourite, muted, unread]
    assert await desk.listed(anna, "HIDDEN") == []
    request = pb.ListConversationsRequest(limit=1)
    cursor = (await world.ask(world.conversations.ListConversations, request, anna)).page.next_cursor
    other = pb.ListConversationsRequest(cursor=cursor, filter=pb.CONVERSATION_FILTER_UNREAD)
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await world.ask(world.conversations.ListConversations, other, anna)


async def test_an_etag_changes_with_all_that_is_shown(desk: Desk, world: World, anna: str, bela: str) -> None:
    """Own settings and marks, and those of the members that are shown; nothing else."""
    group = await world.create(anna, bela)
    await world.send(bela, group.id)
    mark = pb.MarkReadRequest(conversation_id=group.id, seq=1)
    etags = [(await world.get(anna, group.id)).etag]
    for act in (
        lambda: desk.prefer(anna, group.id, favourite=True),
        lambda: desk.prefer(anna, group.id, hidden=True),
        lambda: world.ask(world.conversations.MarkRead, mark, anna),
        lambda: world.ask(world.conversations.MarkRead, mark, bela),
        lambda: world.send(anna, group.id),
        lambda: desk.update(anna, group.id, avatar="https://a/b"),
    ):
        await act()
        etags.append((await world.get(anna, group.id)).etag)
    assert len(set(etags)) == len(etags)
    assert (await world.get(anna, group.id)).etag == etags[-1]


def _soon(**span: float) -> Timestamp:
    at = Timestamp()
    at.FromDatetime(datetime.now(UTC) + timedelta(**span))
    return at

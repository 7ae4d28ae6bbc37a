"""Follow streams: what one instance tells another one, and what that makes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import feed_service_pb2 as pb
from mesh.call.status import from_rpc_error
from tests.integration.message.world import World


class Follower:
    """Another instance, as far as this one sees it."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._items: list[pb.Followed] = []

    async def frame(self) -> pb.FollowResponse:
        async with asyncio.timeout(5):
            frame: pb.FollowResponse = await self._call.read()
        return frame

    async def item(self) -> pb.Followed:
        while not self._items:
            self._items += (await self.frame()).items
        return self._items.pop(0)

    async def join(self, *user_ids: str) -> None:
        users = [pb.FollowedUser(user_id=id_, workspace_id="default") for id_ in user_ids]
        await self._call.write(pb.FollowRequest(joined=users))
        assert {(await self.item()).joined_id for _ in user_ids} == set(user_ids)

    async def leave(self, user_id: str) -> None:
        await self._call.write(pb.FollowRequest(left=[user_id]))


@asynccontextmanager
async def following(world: World) -> AsyncIterator[Follower]:
    call: Any = world.feed.Follow()
    try:
        follower = Follower(call)
        assert (await follower.frame()).instance_id
        yield follower
    finally:
        call.cancel()


async def test_who_is_joined_is_told_of(world: World, anna: str, bela: str) -> None:
    """All that happens for them, until they leave; of others only in which conversations they are."""
    group = await world.create(anna, bela)
    async with following(world) as follower:
        await follower.join(anna)
        await world.send(bela, group.id, "one")
        told = (await follower.item()).event
        assert (told.change.conversation_id, told.change.pos, told.change.data.message.text) == (group.id, 2, "one")
        await follower.leave(anna)
        await follower.join(bela)
        await follower.leave(bela)
        await follower.join(world.users.add("somebody"))
        await world.send(bela, group.id, "two")
        request = conversations_pb.RemoveMemberRequest(conversation_id=group.id, user_id=bela)
        await world.ask(world.conversations.RemoveMember, request, anna)
        moved = (await follower.item()).moved
        assert (moved.user_id, moved.conversation_id, moved.is_member) == (bela, group.id, False)


async def test_memberships_come_behind_the_changes_that_make_them(world: World, anna: str, bela: str) -> None:
    """Who is added is told of it first, then counts as a member."""
    group = await world.create(anna)
    async with following(world) as follower:
        await follower.join(bela)
        request = conversations_pb.AddMembersRequest(conversation_id=group.id, user_ids=[bela])
        await world.ask(world.conversations.AddMembers, request, anna)
        items = [await follower.item() for _ in range(3)]
        assert [item.event.change.type for item in items[:2]] == ["member-added", "conversation-added"]
        assert [item.event.user_id for item in items[:2]] == [bela, bela]
        assert (items[2].moved.user_id, items[2].moved.is_member) == (bela, True)


async def test_a_stream_ends_when_the_process_drains(world: World) -> None:
    """The others find out by comparing what they were not told."""
    async with following(world) as follower:
        for drain in world.drains:
            drain()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await follower.frame()
    assert from_rpc_error(caught.value).reason == "DRAINING"

"""WatchConversations: a list that keeps itself up to date."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import draft_service_pb2 as drafts_pb
from chat.message.v1 import feed_service_pb2 as pb
from mesh.call.status import from_rpc_error
from mesh.errors import Unavailable
from services.message.feed import watching
from tests.integration.message.test_feed import add, remove
from tests.integration.message.world import World


class Watch:
    """The client's end: what it knows of each conversation, by id."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self.told: list[pb.WatchConversationsResponse] = []

    async def read(self) -> pb.WatchConversationsResponse:
        async with asyncio.timeout(5):
            try:
                item = await anext(aiter(self._call))
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error
        self.told.append(item)
        return item  # type: ignore[no-any-return]

    async def list_(self) -> list[str]:
        """The ids that come before `ready`."""
        while not (await self.read()).HasField("ready"):
            pass
        return [item.conversation.id for item in self.told[:-1]]


@asynccontextmanager
async def watch(world: World, user_id: str) -> AsyncIterator[Watch]:
    call = world.feed.WatchConversations(pb.WatchConversationsRequest(), metadata=world.metadata(user_id))
    try:
        yield Watch(call)
    finally:
        call.cancel()


async def test_the_list_comes_first(world: World, anna: str, bela: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By pages, the newest first, each as its member sees it; then where everything stands."""
    monkeypatch.setattr(watching, "PAGE", 2)
    groups = [await world.create(anna, bela) for _ in range(5)]
    await world.create(anna)
    await world.send(anna, groups[0].id, "unread")
    async with watch(world, bela) as stream:
        assert await stream.list_() == [group.id for group in reversed(groups)]
        *listed, ready = stream.told
    assert (listed[-1].conversation.unread_count, listed[-1].pos) == (1, 2)
    assert listed[-1].conversation.last_message.text == "unread"
    assert dict(ready.ready.positions) == {group.id: 2 if group is groups[0] else 1 for group in groups}


async def test_a_conversation_that_changes_is_told_again(world: World, anna: str, bela: str) -> None:
    """With its latest state and the caller's own counts; what follows closely is told as one."""
    group = await world.create(anna, bela)
    async with watch(world, bela) as stream:
        await stream.list_()
        await asyncio.gather(*[world.send(anna, group.id, str(number)) for number in range(10)])
        item = await stream.read()
        assert (item.pos, item.conversation.last_seq, item.conversation.unread_count) == (11, 10, 10)
        mark = conversations_pb.MarkReadRequest(conversation_id=group.id, seq=7)
        await world.ask(world.conversations.MarkRead, mark, bela)
        item = await stream.read()
    assert (item.conversation.my.last_read_seq, item.conversation.unread_count) == (7, 3)


async def test_conversations_come_and_go(world: World, anna: str, bela: str) -> None:
    """One that was joined is told; one that was left is removed, and nothing of it is told after that."""
    group = await world.create(anna)
    async with watch(world, bela) as stream:
        assert await stream.list_() == []
        await add(world, anna, group.id, bela)
        assert (await stream.read()).conversation.id == group.id
        await remove(world, anna, group.id, bela)
        removed = await stream.read()
        assert removed.removed_id == group.id
        await world.send(anna, group.id, "not for bela")
        other = await world.create(anna, bela)
        assert (await stream.read()).conversation.id == other.id


async def test_what_others_do_live_is_no_change_of_a_list(world: World, anna: str, bela: str) -> None:
    """Typing, and marks of others; nor is what one keeps for oneself."""
    group = await world.create(anna, bela)
    await world.send(bela, group.id)
    async with watch(world, bela) as stream:
        await stream.list_()
        await world.ask(world.feed.StartTyping, pb.StartTypingRequest(conversation_id=group.id), anna)
        await world.ask(
            world.conversations.MarkRead, conversations_pb.MarkReadRequest(conversation_id=group.id, seq=1), anna
        )
        draft = drafts_pb.SaveDraftRequest(conversation_id=group.id, text="begun")
        await world.ask(world.drafts.SaveDraft, draft, bela)
        other = await world.create(anna, bela)
        assert (await stream.read()).conversation.id == other.id


async def test_it_ends_when_the_process_drains(world: World, anna: str) -> None:
    """So that the client goes on elsewhere."""
    async with watch(world, anna) as stream:
        await stream.list_()
        for drain in world.drains:
            drain()
        with pytest.raises(Unavailable, match="DRAINING"):
            await stream.read()

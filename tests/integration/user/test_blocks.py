"""BlockService over a real database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chat.event.v1.user_events_pb2 import UserBlocked
from chat.user.v1 import block_service_pb2 as pb
from mesh.errors import Invalid, NotFound
from mesh.identity.principal import DEFAULT_WORKSPACE
from services.user.outbox_sql import SqlOutbox
from tests.integration.user.world import World, calling_as

ANNA, BEA, CORA = "id-1", "id-2", "id-3"


@pytest.fixture(autouse=True)
async def three(world: World) -> AsyncIterator[None]:
    for name in ("anna", "bea", "cora"):
        await world.register(name)
    with calling_as(ANNA):
        yield


async def block(world: World, user_id: str) -> None:
    await world.blocks.BlockUser(pb.BlockUserRequest(id=user_id), None)


async def unblock(world: World, user_id: str) -> None:
    await world.blocks.UnblockUser(pb.UnblockUserRequest(id=user_id), None)


async def blocked(world: World) -> list[str]:
    answer = await world.blocks.ListBlocks(pb.ListBlocksRequest(), None)
    return [user.username for user in answer.items]


async def refused(world: World, *ids: str) -> list[str]:
    return list((await world.blocks.CheckContact(pb.CheckContactRequest(ids=ids), None)).refused_ids)


async def test_a_block_holds_in_both_directions(world: World) -> None:
    """And only between the two; the list shows it to who has made it."""
    await block(world, BEA)
    assert await blocked(world) == ["bea"]
    assert await refused(world, CORA, BEA, "unknown") == [BEA]
    with calling_as(BEA):
        assert await refused(world, ANNA, CORA) == [ANNA]
        assert await blocked(world) == []
    with calling_as(CORA):
        assert await refused(world, ANNA, BEA) == []
    await unblock(world, BEA)
    assert await blocked(world) == []
    assert await refused(world, BEA) == []


async def test_the_newest_block_comes_first_by_pages(world: World) -> None:
    """Those of one moment too, each once, and back again."""
    for user_id in (BEA, CORA):
        await block(world, user_id)
    first = await world.blocks.ListBlocks(pb.ListBlocksRequest(limit=1), None)
    second = await world.blocks.ListBlocks(pb.ListBlocksRequest(limit=1, cursor=first.page.next_cursor), None)
    assert [page.items[0].username for page in (first, second)] == ["cora", "bea"]
    assert not second.page.has_more
    back = await world.blocks.ListBlocks(pb.ListBlocksRequest(limit=1, cursor=second.page.prev_cursor), None)
    assert back.items[0].username == "cora"
    with calling_as(BEA), pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await world.blocks.ListBlocks(pb.ListBlocksRequest(cursor=first.page.next_cursor), None)


async def test_who_cannot_be_blocked(world: World) -> None:
    """Oneself, and whom nobody in the workspace knows."""
    with pytest.raises(Invalid, match="NOT_ONESELF"):
        await block(world, ANNA)
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await block(world, "unknown")
    with calling_as(ANNA, workspace_id="acme"), pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await block(world, BEA)


async def test_each_change_is_told_once(world: World) -> None:
    """Repeating one does nothing, not even ten times at once."""
    await asyncio.gather(*(block(world, BEA) for _ in range(10)))
    await asyncio.gather(*(unblock(world, BEA) for _ in range(10)))
    rows = [row for row in await SqlOutbox(world.database).unpublished(100) if row.type == "user.blocked"]
    assert [UserBlocked.FromString(row.data) for row in rows] == [
        UserBlocked(pos=2, user_id=ANNA, blocked_id=BEA, is_blocked=True, workspace_id=DEFAULT_WORKSPACE),
        UserBlocked(pos=3, user_id=ANNA, blocked_id=BEA, is_blocked=False, workspace_id=DEFAULT_WORKSPACE),
    ]

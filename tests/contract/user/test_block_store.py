"""What every BlockStore does."""

from datetime import timedelta

import pytest

from mesh.database import Database
from mesh.errors import NotFound
from mesh.page import Place
from services.user.accounts.store import AccountStore
from services.user.blocks.domain import Block
from services.user.blocks.store import BlockStore
from services.user.blocks.store_sql import SqlBlockStore
from tests.contract.user.samples import NOW, account

ANNA, BEA, CORA = "id-of-anna", "id-of-bea", "id-of-cora"


@pytest.fixture
async def blocks(database: Database, accounts: AccountStore) -> BlockStore:
    for name in ("anna", "bea", "cora"):
        await accounts.add(account(name), "hash")
    return SqlBlockStore(database)


async def test_blocks_come_newest_first_from_a_place(blocks: BlockStore) -> None:
    """With the account as it is now."""
    later = NOW + timedelta(seconds=1)
    await blocks.add("default", ANNA, BEA, NOW)
    await blocks.add("default", ANNA, CORA, later)
    await blocks.add("default", BEA, CORA, NOW)
    found = await blocks.page("default", ANNA, None, 10)
    assert found.items == [Block(account("cora"), later), Block(account("bea"), NOW)]
    after = await blocks.page("default", ANNA, Place((later, CORA), back=False), 10)
    assert (after.items, after.has_prev, after.has_next) == ([Block(account("bea"), NOW)], True, False)


async def test_a_block_is_made_once_and_taken_back_once(blocks: BlockStore) -> None:
    """Repeating either does nothing: the first moment counts."""
    for seconds in range(2):
        await blocks.add("default", ANNA, BEA, NOW + timedelta(seconds=seconds))
    assert (await blocks.page("default", ANNA, None, 10)).items == [Block(account("bea"), NOW)]
    for _ in range(2):
        await blocks.remove("default", ANNA, BEA, NOW)
    assert (await blocks.page("default", ANNA, None, 10)).items == []


async def test_only_users_of_the_workspace_are_blocked(blocks: BlockStore) -> None:
    """Nobody else exists."""
    for workspace_id, blocked_id in (("default", "unknown"), ("acme", BEA)):
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            await blocks.add(workspace_id, ANNA, blocked_id, NOW)
    assert await blocks.refused("default", ANNA, [BEA]) == []


async def test_both_sides_of_a_block_are_refused(blocks: BlockStore) -> None:
    """In the order asked for, each once, and only within the workspace."""
    await blocks.add("default", ANNA, BEA, NOW)
    await blocks.add("default", CORA, ANNA, NOW)
    assert await blocks.refused("default", ANNA, [CORA, "unknown", BEA, CORA, ANNA]) == [CORA, BEA]
    assert await blocks.refused("default", BEA, [CORA, ANNA]) == [ANNA]
    assert await blocks.refused("acme", ANNA, [CORA, BEA]) == []
    assert await blocks.refused("default", ANNA, []) == []

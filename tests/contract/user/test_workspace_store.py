"""What every WorkspaceStore does."""

import asyncio

import pytest

from mesh.audit.log import Trail
from mesh.database import Database
from mesh.errors import Conflict, NotFound
from mesh.page import Place
from services.user.workspaces.domain import Workspace, new_workspace
from services.user.workspaces.store import WorkspaceStore
from services.user.workspaces.store_sql import SqlWorkspaceStore
from tests.contract.user.samples import NOW


@pytest.fixture
def workspaces(database: Database, trail: Trail) -> WorkspaceStore:
    return SqlWorkspaceStore(database, trail)


async def test_a_workspace_comes_back_as_it_was(workspaces: WorkspaceStore) -> None:
    """By its id, which is no other's."""
    acme = new_workspace("acme", "Acme Inc.", NOW)
    await workspaces.add(acme)
    assert await workspaces.get("acme") == acme
    with pytest.raises(NotFound, match="WORKSPACE_NOT_FOUND"):
        await workspaces.get("ACME")


async def test_of_many_who_want_an_id_one_gets_it(workspaces: WorkspaceStore) -> None:
    """Ten at the same time."""
    rivals = [Workspace("acme", f"number {n}", NOW) for n in range(10)]
    results = await asyncio.gather(*(workspaces.add(rival) for rival in rivals), return_exceptions=True)
    assert [result.reason for result in results if isinstance(result, Conflict)] == ["WORKSPACE_TAKEN"] * 9
    assert await workspaces.get("acme") == rivals[results.index(None)]


async def test_workspaces_come_by_id_from_a_place(workspaces: WorkspaceStore) -> None:
    """The first one is there from the start."""
    for workspace_id in ("zoo", "acme"):
        await workspaces.add(new_workspace(workspace_id, "", NOW))
    found = await workspaces.page(None, 2)
    assert ([workspace.id for workspace in found.items], found.has_next) == (["acme", "default"], True)
    after = await workspaces.page(Place(("default",), back=False), 2)
    assert ([workspace.id for workspace in after.items], after.has_next) == (["zoo"], False)

"""WorkspaceService over a real database."""

import pytest

from chat.user.v1 import workspace_service_pb2 as pb
from mesh.errors import Conflict, NotFound
from tests.integration.user.world import World, calling_as


async def create(world: World, workspace_id: str, name: str = "") -> pb.Workspace:
    request = pb.CreateWorkspaceRequest(id=workspace_id, name=name)
    return (await world.workspaces.CreateWorkspace(request, None)).workspace


async def test_a_workspace_is_shown_to_its_own(world: World) -> None:
    """By the name that it was given, or its id."""
    named, unnamed = await create(world, "acme", "Acme Inc."), await create(world, "lab")
    assert (named.name, unnamed.name) == ("Acme Inc.", "lab")
    assert named.created_at.ToDatetime(world.now.tzinfo) == world.now
    with calling_as("x", workspace_id="acme"):
        assert (await world.workspaces.GetWorkspace(pb.GetWorkspaceRequest(), None)).workspace == named
    with calling_as("x"):
        assert (await world.workspaces.GetWorkspace(pb.GetWorkspaceRequest(), None)).workspace.id == "default"
    with calling_as("x", workspace_id="gone"), pytest.raises(NotFound, match="WORKSPACE_NOT_FOUND"):
        await world.workspaces.GetWorkspace(pb.GetWorkspaceRequest(), None)


async def test_an_id_is_taken_once(world: World) -> None:
    """The first one stays as it is."""
    await create(world, "acme", "Acme Inc.")
    with pytest.raises(Conflict, match="WORKSPACE_TAKEN"):
        await create(world, "acme", "Another")
    assert await world.noted() == ["workspace.created"]


async def test_workspaces_come_by_id_and_by_pages(world: World) -> None:
    """All of the installation, the first one too."""
    for workspace_id in ("zoo", "acme"):
        await create(world, workspace_id)
    first = await world.workspaces.ListWorkspaces(pb.ListWorkspacesRequest(limit=2), None)
    rest = await world.workspaces.ListWorkspaces(pb.ListWorkspacesRequest(cursor=first.page.next_cursor), None)
    assert [[workspace.id for workspace in page.items] for page in (first, rest)] == [["acme", "default"], ["zoo"]]

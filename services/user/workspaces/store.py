"""The port to where workspaces are kept."""

from typing import Protocol

from mesh.page import Place, Slice
from services.user.workspaces.domain import Workspace


class WorkspaceStore(Protocol):
    """Workspaces, by id."""

    async def add(self, workspace: Workspace) -> None:
        """Keeps a new workspace and its note in the audit log, both or none. Raises Conflict (WORKSPACE_TAKEN)."""
        ...

    async def get(self, workspace_id: str) -> Workspace:
        """Raises NotFound (WORKSPACE_NOT_FOUND)."""
        ...

    async def page(self, place: Place | None, limit: int) -> Slice[Workspace]:
        """Up to `limit` workspaces next to `place`, which holds an id; by id."""
        ...

"""WorkspaceService: the caller's workspace, and those of the installation for its operator."""

from collections.abc import Callable
from datetime import datetime

from chat.user.v1 import workspace_service_pb2 as pb
from chat.user.v1.workspace_service_pb2_grpc import WorkspaceServiceServicer
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, limit_of
from services.user.accounts.wire import timestamp
from services.user.workspaces.domain import Workspace, new_workspace
from services.user.workspaces.store import WorkspaceStore


class WorkspaceServicer(WorkspaceServiceServicer):
    def __init__(self, workspaces: WorkspaceStore, cursors: CursorCodec, *, clock: Callable[[], datetime]) -> None:
        self._workspaces = workspaces
        self._cursors = cursors
        self._clock = clock

    async def GetWorkspace(self, request: pb.GetWorkspaceRequest, context: object) -> pb.GetWorkspaceResponse:
        return pb.GetWorkspaceResponse(workspace=_to_wire(await self._workspaces.get(caller().workspace_id)))

    async def CreateWorkspace(self, request: pb.CreateWorkspaceRequest, context: object) -> pb.CreateWorkspaceResponse:
        workspace = new_workspace(request.id, request.name, self._clock())
        await self._workspaces.add(workspace)
        return pb.CreateWorkspaceResponse(workspace=_to_wire(workspace))

    async def ListWorkspaces(self, request: pb.ListWorkspacesRequest, context: object) -> pb.ListWorkspacesResponse:
        limit = limit_of(request.limit)
        cursors = Cursors[Workspace](self._cursors, "ListWorkspaces", lambda workspace: (workspace.id,))
        found = await self._workspaces.page(cursors.place(request.cursor), limit)
        return pb.ListWorkspacesResponse(items=map(_to_wire, found.items), page=cursors.page(found, limit))


def _to_wire(workspace: Workspace) -> pb.Workspace:
    return pb.Workspace(id=workspace.id, name=workspace.name, created_at=timestamp(workspace.created_at))

"""GroupService: groups of people for mentions, made by the admins of a workspace."""

from collections.abc import Callable

from chat.message.v1 import group_service_pb2 as pb
from chat.message.v1 import group_service_pb2_grpc as rpc
from chat.message.v1.group_pb2 import Group as GroupProto
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, cut, limit_of
from services.message.calls import named_in, origin
from services.message.groups.domain import CreateGroup, DeleteGroup, UpdateGroup
from services.message.groups.store import GroupStore
from services.message.groups.wire import group_proto
from services.message.profiles import Profiles
from services.message.writer import Writer


class GroupServicer(rpc.GroupServiceServicer):
    def __init__(
        self,
        store: GroupStore,
        writer: Writer,
        profiles: Profiles,
        *,
        cursors: CursorCodec,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._writer = writer
        self._profiles = profiles
        self._cursors = cursors
        self._new_id = new_id

    async def CreateGroup(self, request: pb.CreateGroupRequest, context: object) -> pb.CreateGroupResponse:
        user_ids = tuple(request.user_ids)
        await self._profiles.require(user_ids)
        command = CreateGroup(origin(), self._new_id(), request.handle, request.name, user_ids)
        return pb.CreateGroupResponse(group=group_proto(await self._writer.submit(command)))

    async def ListGroups(self, request: pb.ListGroupsRequest, context: object) -> pb.ListGroupsResponse:
        limit = limit_of(request.limit)
        cursors = Cursors[GroupProto](
            self._cursors, f"ListGroups:{caller().workspace_id}", lambda group: (group.handle,)
        )
        place = cursors.place(request.cursor)
        found = await self._store.page(caller(), place, limit)
        protos = [group_proto(filled) for filled in found.items]
        shown = cut(found, protos, place)
        return pb.ListGroupsResponse(items=shown.items, page=cursors.page(shown, limit))

    async def GetGroup(self, request: pb.GetGroupRequest, context: object) -> pb.GetGroupResponse:
        return pb.GetGroupResponse(group=group_proto(await self._store.get(caller(), request.id)))

    async def UpdateGroup(self, request: pb.UpdateGroupRequest, context: object) -> pb.UpdateGroupResponse:
        named = named_in(request, ("name", "user_ids"))
        user_ids = tuple(request.user_ids) if "user_ids" in named else None
        await self._profiles.require(user_ids or ())
        command = UpdateGroup(origin(), request.id, request.name if "name" in named else None, user_ids)
        return pb.UpdateGroupResponse(group=group_proto(await self._writer.submit(command)))

    async def DeleteGroup(self, request: pb.DeleteGroupRequest, context: object) -> pb.DeleteGroupResponse:
        await self._writer.submit(DeleteGroup(origin(), request.id))
        return pb.DeleteGroupResponse()

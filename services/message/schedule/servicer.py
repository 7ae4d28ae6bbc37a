"""ScheduleService: writing goes to the writer, reading to the store."""

from collections.abc import Callable

from chat.message.v1 import schedule_service_pb2 as pb
from chat.message.v1 import schedule_service_pb2_grpc as rpc
from chat.message.v1.scheduled_pb2 import Scheduled as ScheduledProto
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.moment import read_moment
from mesh.page import Cursors, cut, limit_of
from services.message.calls import named_in, origin
from services.message.schedule.domain import CancelScheduled, Schedule, Scheduled, UpdateScheduled
from services.message.schedule.store import ScheduleStore
from services.message.schedule.wire import scheduled_proto, stored_request
from services.message.writer import Writer


class ScheduleServicer(rpc.ScheduleServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(
        self, store: ScheduleStore, writer: Writer, *, cursors: CursorCodec, new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._writer = writer
        self._cursors = cursors
        self._new_id = new_id

    async def ScheduleMessage(self, request: pb.ScheduleMessageRequest, context: object) -> pb.ScheduleMessageResponse:
        id_ = self._new_id()
        command = Schedule(
            origin(),
            id=id_,
            conversation_id=request.message.conversation_id,
            request=stored_request(request.message, id_),
            send_at=read_moment(request.send_at, "send_at"),
        )
        plan: Scheduled = await self._writer.submit(command)
        return pb.ScheduleMessageResponse(scheduled=scheduled_proto(plan))

    async def ListScheduled(self, request: pb.ListScheduledRequest, context: object) -> pb.ListScheduledResponse:
        principal, limit = caller(), limit_of(request.limit)
        cursors = Cursors[ScheduledProto](self._cursors, f"ListScheduled:{principal.user_id}", _key)
        place = cursors.place(request.cursor)
        found = await self._store.page(principal, place, limit)
        shown = cut(found, [scheduled_proto(plan) for plan in found.items], place)
        return pb.ListScheduledResponse(items=shown.items, page=cursors.page(shown, limit))

    async def GetScheduled(self, request: pb.GetScheduledRequest, context: object) -> pb.GetScheduledResponse:
        plan = await self._store.get(caller(), request.id)
        return pb.GetScheduledResponse(scheduled=scheduled_proto(plan))

    async def UpdateScheduled(self, request: pb.UpdateScheduledRequest, context: object) -> pb.UpdateScheduledResponse:
        named = named_in(request, ("text", "send_at"))
        text = request.text if "text" in named else None
        send_at = read_moment(request.send_at, "send_at") if "send_at" in named else None
        plan: Scheduled = await self._writer.submit(UpdateScheduled(origin(), request.id, text, send_at))
        return pb.UpdateScheduledResponse(scheduled=scheduled_proto(plan))

    async def CancelScheduled(self, request: pb.CancelScheduledRequest, context: object) -> pb.CancelScheduledResponse:
        await self._writer.submit(CancelScheduled(origin(), request.id))
        return pb.CancelScheduledResponse()


def _key(plan: ScheduledProto) -> tuple[str, str]:
    return plan.send_at.ToJsonString(), plan.id

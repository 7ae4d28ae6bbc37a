"""ReportService: writing goes to the writer, reading to the store."""

from collections.abc import Callable

from chat.message.v1 import report_pb2
from chat.message.v1 import report_service_pb2 as pb
from chat.message.v1 import report_service_pb2_grpc as rpc
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, cut, limit_of
from services.message.calls import origin
from services.message.profiles import Profiles
from services.message.reports.domain import Category, Report, Reported, ReportMessage, ResolveReport, Status
from services.message.reports.store import ReportStore
from services.message.reports.wire import profile_ids, report_proto
from services.message.writer import Writer


class ReportServicer(rpc.ReportServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(
        self,
        store: ReportStore,
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

    async def ReportMessage(self, request: pb.ReportMessageRequest, context: object) -> pb.ReportMessageResponse:
        await self._profiles.load([caller().user_id])
        command = ReportMessage(
            origin(), self._new_id(), request.message_id, Category(request.category), request.comment
        )
        reported: Reported = await self._writer.submit(command)
        proto = await self._proto(reported.report, with_text=False)
        return pb.ReportMessageResponse(report=proto, replayed=reported.replayed)

    async def ListReports(self, request: pb.ListReportsRequest, context: object) -> pb.ListReportsResponse:
        workspace_id, limit = caller().workspace_id, limit_of(request.limit)
        status = Status(request.status) if request.status else None
        cursors = Cursors[report_pb2.Report](
            self._cursors, f"ListReports:{workspace_id}:{request.status}", lambda report: (report.id,)
        )
        place = cursors.place(request.cursor)
        found = await self._store.page(workspace_id, status, place, limit)
        await self._profiles.load({user_id for report in found.items for user_id in profile_ids(report)})
        protos = [report_proto(report, self._profiles.known, with_text=True) for report in found.items]
        shown = cut(found, protos, place)
        return pb.ListReportsResponse(items=shown.items, page=cursors.page(shown, limit))

    async def ResolveReport(self, request: pb.ResolveReportRequest, context: object) -> pb.ResolveReportResponse:
        await self._profiles.load([caller().user_id])
        report: Report = await self._writer.submit(ResolveReport(origin(), request.id, Status(request.status)))
        return pb.ResolveReportResponse(report=await self._proto(report, with_text=True))

    async def _proto(self, report: Report, *, with_text: bool) -> report_pb2.Report:
        await self._profiles.load(profile_ids(report))
        return report_proto(report, self._profiles.known, with_text=with_text)

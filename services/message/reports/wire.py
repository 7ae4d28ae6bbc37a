"""Reports as the contract shows them."""

from chat.message.v1 import report_pb2 as pb
from chat.message.v1.change_pb2 import ChangeData
from services.message.conversations.wire import only_id
from services.message.messages.wire import ProfileOf, timestamp
from services.message.reports.domain import Report


def report_proto(report: Report, profile_of: ProfileOf, *, with_text: bool) -> pb.Report:
    """Only admins are shown the text, which may be deleted since."""
    workspace_id = report.workspace_id
    return pb.Report(
        id=report.id,
        message_id=report.message_id,
        conversation_id=report.conversation_id,
        reporter=profile_of(workspace_id, report.reporter_id),
        category=pb.ReportCategory.ValueType(report.category),
        comment=report.comment,
        created_at=timestamp(report.created_at),
        status=pb.ReportStatus.ValueType(report.status),
        resolved_by=profile_of(workspace_id, report.resolved_by) if report.resolved_by else None,
        resolved_at=timestamp(report.resolved_at),
        text=report.text if with_text else "",
    )


def report_body(report: Report) -> bytes:
    """Of report-updated, for the reporter."""
    return ChangeData(report=report_proto(report, only_id, with_text=False)).SerializeToString()


def profile_ids(report: Report) -> set[str]:
    """Whose profiles `report_proto` shows."""
    return {report.reporter_id, report.resolved_by} - {""}

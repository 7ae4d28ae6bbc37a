"""The port through which reports are read. Writes go through the journal."""

from typing import Protocol

from mesh.page import Place, Slice
from services.message.reports.domain import Report, Status


class ReportStore(Protocol):
    async def page(self, workspace_id: str, status: Status | None, place: Place | None, limit: int) -> Slice[Report]:
        """The reports of a workspace, the latest first; all, or those that stand like that. Places are by id."""
        ...

"""The part of AdministrationService that reads the audit log; its servicer hands the calls on."""

from collections.abc import Callable
from datetime import datetime

from chat.user.v1 import administration_service_pb2 as pb
from mesh.audit.entry import entry
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, limit_of
from services.user.audit.domain import Search
from services.user.audit.store import AuditStore, Noted
from services.user.audit.wire import to_entry, to_verdict


class AuditReader:
    """Answers `ListAudit` and `VerifyAudit`. Who may call is decided by their policies."""

    def __init__(self, store: AuditStore, cursors: CursorCodec, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._cursors = cursors
        self._clock = clock

    async def list(self, request: pb.ListAuditRequest) -> pb.ListAuditResponse:
        """A page, once it is noted that it was read."""
        search, limit = Search(caller().workspace_id, request.action, request.user_id), limit_of(request.limit)
        cursors = Cursors[Noted](self._cursors, str(search), lambda noted: (noted.seq,))
        found = await self._store.page(search, cursors.place(request.cursor), limit)
        await self._store.note(
            entry("audit.read", at=self._clock(), subject_id=search.user_id, **_given(action=search.action))
        )
        return pb.ListAuditResponse(items=map(to_entry, found.items), page=cursors.page(found, limit))

    async def verify(self) -> pb.VerifyAuditResponse:
        return to_verdict(await self._store.verify())


def _given(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}

"""DraftService: writing goes to the writer, reading to the store."""

import asyncio
from collections.abc import Mapping

from chat.message.v1 import draft_service_pb2 as pb
from chat.message.v1 import draft_service_pb2_grpc as rpc
from chat.message.v1.draft_pb2 import Draft as DraftProto
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, cut, limit_of
from services.message.calls import Relayed, origin
from services.message.command import Origin
from services.message.drafts.domain import Draft, SaveDraft
from services.message.drafts.store import DraftStore
from services.message.drafts.wire import draft_proto
from services.message.writer import Writer


class DraftServicer(rpc.DraftServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(self, store: DraftStore, writer: Writer, *, cursors: CursorCodec) -> None:
        self._store = store
        self._writer = writer
        self._cursors = cursors

    @property
    def relayed(self) -> Mapping[str, Relayed]:
        """The methods that Relay streams carry too, by name."""
        return {"SaveDraft": Relayed(pb.SaveDraftRequest, self._save, self._saved)}

    async def SaveDraft(self, request: pb.SaveDraftRequest, context: object) -> pb.SaveDraftResponse:
        return self._saved(await self._save(request, origin()))

    async def GetDraft(self, request: pb.GetDraftRequest, context: object) -> pb.GetDraftResponse:
        draft = await self._store.get(caller(), request.conversation_id, request.thread_root)
        return pb.GetDraftResponse(draft=draft_proto(draft))

    async def DeleteDraft(self, request: pb.DeleteDraftRequest, context: object) -> pb.DeleteDraftResponse:
        command = SaveDraft(origin(), request.conversation_id, request.thread_root, text="", reply_to="")
        await self._writer.submit(command)
        return pb.DeleteDraftResponse()

    async def ListDrafts(self, request: pb.ListDraftsRequest, context: object) -> pb.ListDraftsResponse:
        principal, limit = caller(), limit_of(request.limit)
        cursors = Cursors[DraftProto](self._cursors, f"ListDrafts:{principal.user_id}", _key)
        place = cursors.place(request.cursor)
        found = await self._store.page(principal, place, limit)
        shown = cut(found, [draft_proto(draft) for draft in found.items], place)
        return pb.ListDraftsResponse(items=shown.items, page=cursors.page(shown, limit))

    def _save(self, request: pb.SaveDraftRequest, origin: Origin) -> "asyncio.Future[Draft]":
        text, reply_to = request.text, request.reply_to
        return self._writer.submit(SaveDraft(origin, request.conversation_id, request.thread_root, text, reply_to))

    def _saved(self, draft: Draft) -> pb.SaveDraftResponse:
        return pb.SaveDraftResponse(draft=draft_proto(draft))


def _key(draft: DraftProto) -> tuple[str, str, str]:
    return draft.updated_at.ToJsonString(), draft.conversation_id, draft.thread_root

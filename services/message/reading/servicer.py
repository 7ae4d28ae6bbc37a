"""ReadingService: writing goes to the writer, reading to the store."""

import asyncio
from collections.abc import Mapping

from chat.message.v1 import reading_service_pb2 as pb
from chat.message.v1 import reading_service_pb2_grpc as rpc
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, limit_of
from services.message.calls import Relayed, origin
from services.message.command import Origin
from services.message.conversations.domain import Member, ReadMark
from services.message.conversations.store import ConversationStore
from services.message.feed.wire import receipt_proto
from services.message.messages.wire import message_proto
from services.message.profiles import Profiles
from services.message.reading.domain import MarkDelivered, MarkThreadRead, MarkUnread, ThreadMark
from services.message.reading.store import ReadingStore
from services.message.reading.wire import conversation_unread_proto, thread_mark_proto
from services.message.writer import Writer

MAX_ITEMS = 1_000


class ReadingServicer(rpc.ReadingServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(
        self,
        store: ReadingStore,
        conversations: ConversationStore,
        writer: Writer,
        profiles: Profiles,
        *,
        cursors: CursorCodec,
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._writer = writer
        self._profiles = profiles
        self._cursors = cursors

    @property
    def relayed(self) -> Mapping[str, Relayed]:
        """The methods that Relay streams carry too, by name."""
        return {"MarkDelivered": Relayed(pb.MarkDeliveredRequest, self._deliver, self._delivered)}

    async def MarkUnread(self, request: pb.MarkUnreadRequest, context: object) -> pb.MarkUnreadResponse:
        mark: ReadMark = await self._writer.submit(MarkUnread(origin(), request.conversation_id, request.seq))
        return pb.MarkUnreadResponse(
            conversation_id=mark.conversation_id,
            last_read_seq=mark.last_read_seq,
            unread_count=mark.unread_count,
            mention_count=mark.mention_count,
        )

    async def MarkDelivered(self, request: pb.MarkDeliveredRequest, context: object) -> pb.MarkDeliveredResponse:
        return self._delivered(await self._deliver(request, origin()))

    async def MarkThreadRead(self, request: pb.MarkThreadReadRequest, context: object) -> pb.MarkThreadReadResponse:
        mark: ThreadMark = await self._writer.submit(MarkThreadRead(origin(), request.thread_root, request.seq))
        return pb.MarkThreadReadResponse(mark=thread_mark_proto(mark))

    async def GetThread(self, request: pb.GetThreadRequest, context: object) -> pb.GetThreadResponse:
        root, mark = await self._store.thread(caller(), request.thread_root)
        await self._profiles.load([root.sender_id])
        return pb.GetThreadResponse(root=message_proto(root, self._profiles.known), mark=thread_mark_proto(mark))

    async def ListReceipts(self, request: pb.ListReceiptsRequest, context: object) -> pb.ListReceiptsResponse:
        limit = limit_of(request.limit)
        cursors = Cursors[Member](
            self._cursors,
            f"ListReceipts:{request.conversation_id}",
            lambda member: (member.joined_at.isoformat(), member.user_id),
        )
        place = cursors.place(request.cursor)
        found = await self._conversations.members(caller(), request.conversation_id, place, limit)
        items = [receipt_proto(member) for member in found.items]
        return pb.ListReceiptsResponse(items=items, page=cursors.page(found, limit))

    async def GetUnread(self, request: pb.GetUnreadRequest, context: object) -> pb.GetUnreadResponse:
        unread = await self._store.unread(caller())
        return pb.GetUnreadResponse(
            unread_count=sum(one.counts.unread for one in unread),
            mention_count=sum(one.counts.mentions for one in unread),
            conversation_count=len(unread),
            items=[conversation_unread_proto(one) for one in unread[:MAX_ITEMS]],
        )

    def _deliver(self, request: pb.MarkDeliveredRequest, origin: Origin) -> "asyncio.Future[Member]":
        return self._writer.submit(MarkDelivered(origin, request.conversation_id, request.seq))

    def _delivered(self, member: Member) -> pb.MarkDeliveredResponse:
        return pb.MarkDeliveredResponse(conversation_id=member.conversation_id, last_delivered_seq=member.delivered_seq)

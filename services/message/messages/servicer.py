"""MessageService: writing goes to the writer, reading to the store."""

import asyncio
from collections.abc import Callable, Mapping

from chat.message.v1 import message_service_pb2 as pb
from chat.message.v1 import message_service_pb2_grpc as rpc
from chat.message.v1.message_pb2 import Message as MessageProto
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, Place, Slice, fit, limit_of
from services.message.calls import Relayed, origin
from services.message.command import Origin
from services.message.messages.domain import DeleteMessage, EditMessage, Message, SendMessage, Sent, fingerprint
from services.message.messages.store import MessageStore
from services.message.messages.wire import message_proto
from services.message.profiles import Profiles
from services.message.writer import Writer


class MessageServicer(rpc.MessageServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(
        self,
        store: MessageStore,
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

    @property
    def relayed(self) -> Mapping[str, Relayed]:
        """The methods that Relay streams carry too, by name."""
        return {
            "SendMessage": Relayed(pb.SendMessageRequest, self._send, self._sent),
            "EditMessage": Relayed(pb.EditMessageRequest, self._edit, self._edited),
            "DeleteMessage": Relayed(pb.DeleteMessageRequest, self._delete, self._deleted),
        }

    async def SendMessage(self, request: pb.SendMessageRequest, context: object) -> pb.SendMessageResponse:
        await self._profiles.load([caller().user_id])
        return self._sent(await self._send(request, origin()))

    async def GetMessage(self, request: pb.GetMessageRequest, context: object) -> pb.GetMessageResponse:
        message = await self._store.get(caller(), request.id)
        await self._profiles.load([message.sender_id])
        return pb.GetMessageResponse(message=self._proto(message))

    async def ListMessages(self, request: pb.ListMessagesRequest, context: object) -> pb.ListMessagesResponse:
        principal, limit = caller(), limit_of(request.limit)
        cursors = Cursors[MessageProto](
            self._cursors, f"ListMessages:{request.conversation_id}", lambda message: (message.seq,)
        )
        place = _place(request) or cursors.place(request.cursor)
        back = place is None or place.back
        if place is not None and not place.back:
            span = await self._store.after(principal, request.conversation_id, int(place.key[0]), limit)
        else:
            before = int(place.key[0]) if place else None
            span = await self._store.before(principal, request.conversation_id, before, limit)
        await self._profiles.load({message.sender_id for message in span.messages})
        items = fit([self._proto(message) for message in span.messages], from_end=back)
        found = Slice(items, bool(items) and items[0].seq > 1, bool(items) and items[-1].seq < span.last_seq)
        return pb.ListMessagesResponse(items=items, page=cursors.page(found, limit))

    async def EditMessage(self, request: pb.EditMessageRequest, context: object) -> pb.EditMessageResponse:
        await self._profiles.load([caller().user_id])
        return self._edited(await self._edit(request, origin()))

    async def DeleteMessage(self, request: pb.DeleteMessageRequest, context: object) -> pb.DeleteMessageResponse:
        await self._profiles.load([caller().user_id])
        message = await self._delete(request, origin())
        await self._profiles.load([message.sender_id])
        return self._deleted(message)

    def _send(self, request: pb.SendMessageRequest, origin: Origin) -> "asyncio.Future[Sent]":
        metadata = dict(request.metadata)
        command = SendMessage(
            origin=origin,
            id=self._new_id(),
            conversation_id=request.conversation_id,
            client_msg_id=request.client_msg_id or self._new_id(),
            text=request.text,
            reply_to=request.reply_to,
            metadata=metadata,
            fingerprint=fingerprint(request.text, request.reply_to, metadata),
        )
        return self._writer.submit(command)

    def _sent(self, sent: Sent) -> pb.SendMessageResponse:
        return pb.SendMessageResponse(message=self._proto(sent.message), replayed=sent.replayed)

    def _edit(self, request: pb.EditMessageRequest, origin: Origin) -> "asyncio.Future[Message]":
        return self._writer.submit(EditMessage(origin, request.id, request.text, request.etag))

    def _edited(self, message: Message) -> pb.EditMessageResponse:
        return pb.EditMessageResponse(message=self._proto(message))

    def _delete(self, request: pb.DeleteMessageRequest, origin: Origin) -> "asyncio.Future[Message]":
        return self._writer.submit(DeleteMessage(origin, request.id, request.etag))

    def _deleted(self, message: Message) -> pb.DeleteMessageResponse:
        return pb.DeleteMessageResponse(message=self._proto(message))

    def _proto(self, message: Message) -> MessageProto:
        return message_proto(message, self._profiles.known)


def _place(request: pb.ListMessagesRequest) -> Place | None:
    if request.HasField("before_seq"):
        return Place((request.before_seq,), back=True)
    return Place((request.after_seq,), back=False) if request.HasField("after_seq") else None

"""MessageService: writing goes to the writer, reading to the store."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from chat.common.v1.problem_pb2 import Problem
from chat.message.v1 import message_service_pb2 as pb
from chat.message.v1 import message_service_pb2_grpc as rpc
from chat.message.v1.message_pb2 import Message as MessageProto
from mesh.call.context import caller, current
from mesh.call.faults import unexpected
from mesh.cursor import CursorCodec
from mesh.errors import Error, Exhausted
from mesh.limits.limits import Limits, refusal
from mesh.page import MAX_BYTES, Cursors, Place, Slice, cut, fit, limit_of
from services.message.calls import Relayed, origin
from services.message.command import Origin
from services.message.messages.domain import (
    DeleteMessage,
    EditMessage,
    Message,
    RestoreVersion,
    Sent,
    UndeleteMessage,
    Version,
)
from services.message.messages.store import MessageStore
from services.message.messages.wire import (
    forward_command,
    mentions_of,
    message_proto,
    profile_ids,
    send_command,
    version_proto,
)
from services.message.profiles import Profiles
from services.message.writer import Writer

_SEND = "/chat.message.v1.MessageService/SendMessage"


class MessageServicer(rpc.MessageServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(
        self,
        store: MessageStore,
        writer: Writer,
        profiles: Profiles,
        *,
        limits: Limits,
        cursors: CursorCodec,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._limits = limits
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
        return pb.GetMessageResponse(message=(await self._protos([message]))[0])

    async def BatchGetMessages(
        self, request: pb.BatchGetMessagesRequest, context: object
    ) -> pb.BatchGetMessagesResponse:
        found = await self._store.some(caller(), request.ids)
        protos = await self._protos(found[id_] for id_ in request.ids if id_ in found)
        missing = [id_ for id_ in request.ids if id_ not in found]
        return pb.BatchGetMessagesResponse(items=fit(protos, from_end=False), missing=missing)

    async def ListMessages(self, request: pb.ListMessagesRequest, context: object) -> pb.ListMessagesResponse:
        principal, limit = caller(), limit_of(request.limit)
        cursors = Cursors[MessageProto](
            self._cursors, f"ListMessages:{request.conversation_id}", lambda message: (message.seq,)
        )
        place = _place(request) or cursors.place(request.cursor)
        if request.HasField("around_seq"):
            span = await self._store.around(principal, request.conversation_id, request.around_seq, limit)
        elif place is not None and not place.back:
            span = await self._store.after(principal, request.conversation_id, int(place.key[0]), limit)
        else:
            before = int(place.key[0]) if place else None
            span = await self._store.before(principal, request.conversation_id, before, limit)
        protos = await self._protos(span.messages)
        if request.HasField("around_seq"):
            items = _fit_around(protos, request.around_seq)
        else:
            items = fit(protos, from_end=place is None or place.back)
        found = Slice(items, bool(items) and items[0].seq > 1, bool(items) and items[-1].seq < span.last_seq)
        return pb.ListMessagesResponse(items=items, page=cursors.page(found, limit))

    async def ListReplies(self, request: pb.ListRepliesRequest, context: object) -> pb.ListRepliesResponse:
        limit = limit_of(request.limit)
        cursors = Cursors[MessageProto](self._cursors, f"ListReplies:{request.id}", lambda message: (message.seq,))
        place = cursors.place(request.cursor)
        found = await self._store.replies(caller(), request.id, place, limit)
        shown = cut(found, await self._protos(found.items), place)
        return pb.ListRepliesResponse(items=shown.items, page=cursors.page(shown, limit))

    async def ListVersions(self, request: pb.ListVersionsRequest, context: object) -> pb.ListVersionsResponse:
        limit = limit_of(request.limit)
        cursors = Cursors[pb.MessageVersion](
            self._cursors, f"ListVersions:{request.id}", lambda version: (version.version,)
        )
        place = cursors.place(request.cursor)
        found: Slice[Version] = await self._store.versions(caller(), request.id, place, limit)
        shown = cut(found, [version_proto(version) for version in found.items], place)
        return pb.ListVersionsResponse(items=shown.items, page=cursors.page(shown, limit))

    async def ForwardMessage(self, request: pb.ForwardMessageRequest, context: object) -> pb.ForwardMessageResponse:
        # Whose words they are is to be known when the others are told.
        sources = await self._store.some(caller(), [request.id])
        shown = {user_id for message in sources.values() for user_id in profile_ids(message)}
        await self._profiles.load({caller().user_id, *shown})
        sent: Sent = await self._writer.submit(forward_command(request, origin(), self._new_id()))
        message = (await self._protos([sent.message]))[0]
        return pb.ForwardMessageResponse(message=message, replayed=sent.replayed)

    async def BatchSendMessages(
        self, request: pb.BatchSendMessagesRequest, context: object
    ) -> pb.BatchSendMessagesResponse:
        await self._profiles.load([caller().user_id])
        called = origin()
        refused = await self._charged(request.items)
        # All are submitted before the writer has its turn, so that they share a commit.
        results = await asyncio.gather(
            *[self._ended(item, called, wait) for item, wait in zip(request.items, refused, strict=True)]
        )
        return pb.BatchSendMessagesResponse(items=[self._result(result) for result in results])

    async def EditMessage(self, request: pb.EditMessageRequest, context: object) -> pb.EditMessageResponse:
        await self._profiles.load([caller().user_id])
        message = await self._edit(request, origin())
        await self._profiles.load(profile_ids(message))
        return self._edited(message)

    async def DeleteMessage(self, request: pb.DeleteMessageRequest, context: object) -> pb.DeleteMessageResponse:
        await self._profiles.load([caller().user_id])
        message = await self._delete(request, origin())
        await self._profiles.load(profile_ids(message))
        return self._deleted(message)

    async def UndeleteMessage(self, request: pb.UndeleteMessageRequest, context: object) -> pb.UndeleteMessageResponse:
        await self._profiles.load([caller().user_id])
        message: Message = await self._writer.submit(UndeleteMessage(origin(), request.id))
        return pb.UndeleteMessageResponse(message=(await self._protos([message]))[0])

    async def RestoreVersion(self, request: pb.RestoreVersionRequest, context: object) -> pb.RestoreVersionResponse:
        await self._profiles.load([caller().user_id])
        message: Message = await self._writer.submit(RestoreVersion(origin(), request.id, request.version))
        return pb.RestoreVersionResponse(message=(await self._protos([message]))[0])

    def _send(self, request: pb.SendMessageRequest, origin: Origin) -> "asyncio.Future[Sent]":
        return self._writer.submit(send_command(request, origin, self._new_id()))

    def _sent(self, sent: Sent) -> pb.SendMessageResponse:
        return pb.SendMessageResponse(message=self._proto(sent.message), replayed=sent.replayed)

    def _edit(self, request: pb.EditMessageRequest, origin: Origin) -> "asyncio.Future[Message]":
        mentions = mentions_of(request.mentions) if request.HasField("mentions") else None
        return self._writer.submit(EditMessage(origin, request.id, request.text, request.etag, mentions))

    def _edited(self, message: Message) -> pb.EditMessageResponse:
        return pb.EditMessageResponse(message=self._proto(message))

    def _delete(self, request: pb.DeleteMessageRequest, origin: Origin) -> "asyncio.Future[Message]":
        return self._writer.submit(DeleteMessage(origin, request.id, request.etag))

    def _deleted(self, message: Message) -> pb.DeleteMessageResponse:
        return pb.DeleteMessageResponse(message=self._proto(message))

    async def _charged(self, items: Iterable[pb.SendMessageRequest]) -> list[Exhausted | None]:
        """For each message why it has to wait, or None: each counts as if it were sent by itself."""
        charges = [self._limits.of_call(_SEND, current(), item) for item in items]
        return [refusal(decisions) for decisions in await self._limits.take_each(charges)]

    async def _ended(self, request: pb.SendMessageRequest, origin: Origin, refused: Error | None) -> Sent | Error:
        if refused is not None:
            return refused
        try:
            return await self._send(request, origin)
        except Error as error:
            return error
        except Exception as error:  # The others have their answers all the same.
            return unexpected(error, method="BatchSendMessages")

    def _result(self, result: Sent | Error) -> pb.BatchSendResult:
        if isinstance(result, Error):
            return pb.BatchSendResult(problem=_problem(result))
        return pb.BatchSendResult(sent=self._sent(result))

    async def _protos(self, messages: Iterable[Message]) -> list[MessageProto]:
        shown = list(messages)
        await self._profiles.load({user_id for message in shown for user_id in profile_ids(message)})
        return [self._proto(message) for message in shown]

    def _proto(self, message: Message) -> MessageProto:
        return message_proto(message, self._profiles.known)


def _place(request: pb.ListMessagesRequest) -> Place | None:
    if request.HasField("before_seq"):
        return Place((request.before_seq,), back=True)
    return Place((request.after_seq,), back=False) if request.HasField("after_seq") else None


def _fit_around(items: Sequence[MessageProto], seq: int) -> Sequence[MessageProto]:
    """As many as fit on both sides of a number, each with half of the room."""
    left = [item for item in items if item.seq < seq]
    right, half = items[len(left) :], MAX_BYTES // 2
    return [*fit(left, from_end=True, max_bytes=half), *fit(right, from_end=False, max_bytes=half)]


def _problem(error: Error) -> Problem:
    return Problem(
        code=error.reason, detail=error.message, retryable=error.retryable, retry_after_s=error.retry_after_s or 0
    )

"""One Chat stream: a feed whose reader also writes. Its calls go where those of Relay streams go."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from functools import partial
from typing import Any, Final

from google.protobuf.message import Message

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1 import reaction_service_pb2 as reactions_pb
from chat.message.v1 import reading_service_pb2 as reading_pb
from mesh.call.context import RequestContext, current
from mesh.call.status import to_status
from mesh.errors import Deadline, Error, Invalid
from mesh.limits.limits import refusal
from mesh.policy.validation import validate
from mesh.telemetry.tracing import traceparent
from services.message.feed.reader import Reader
from services.message.feed.streams import Stream, Streams
from services.message.feed.subscription import Changes

OPEN_S: Final = 10.0
"""How long a stream may say nothing before its first frame."""

_PACKAGE = "/chat.message.v1."
_CALLS: Mapping[str, tuple[str, str, type[Message]]] = {
    "send": (f"{_PACKAGE}MessageService/SendMessage", "sent", messages_pb.SendMessageResponse),
    "edit": (f"{_PACKAGE}MessageService/EditMessage", "edited", messages_pb.EditMessageResponse),
    "delete": (f"{_PACKAGE}MessageService/DeleteMessage", "deleted", messages_pb.DeleteMessageResponse),
    "react": (f"{_PACKAGE}ReactionService/AddReaction", "reacted", reactions_pb.AddReactionResponse),
    "unreact": (f"{_PACKAGE}ReactionService/RemoveReaction", "unreacted", reactions_pb.RemoveReactionResponse),
    "mark_read": (f"{_PACKAGE}ConversationService/MarkRead", "marked_read", conversations_pb.MarkReadResponse),
    "mark_delivered": (f"{_PACKAGE}ReadingService/MarkDelivered", "marked_delivered", reading_pb.MarkDeliveredResponse),
    "typing": (f"{_PACKAGE}FeedService/StartTyping", "typing", pb.StartTypingResponse),
    "stop_typing": (f"{_PACKAGE}FeedService/StopTyping", "stopped_typing", pb.StopTypingResponse),
}
"""By field of a frame: the method, the field of its answer, and what that holds."""


class ChatStream:
    """Calls are taken in their order, once everything that was missed is told. It ends when the caller ends it, after
    the last answer.
    """

    def __init__(self, streams: Streams, reader: Reader) -> None:
        self._streams = streams
        self._reader = reader
        self._context = current()
        self._traceparent = traceparent()
        self._changes = Changes()
        self._unanswered = 0

    async def serve(self, frames: AsyncIterable[pb.ChatRequest]) -> AsyncIterator[pb.ChatResponse]:
        """The frames towards the caller. Raises Invalid (INVALID_REQUEST) when the first one does not open it."""
        requests = aiter(frames)
        opened = await self._opened(requests)
        async with self._streams.open(self._changes) as stream:
            missed = self._reader.missed(stream, await self._reader.start(stream, opened))
            yield pb.ChatResponse(ready=stream.ready())
            async for change in missed:
                yield pb.ChatResponse(change=change)
            calls = asyncio.create_task(self._take(requests, stream), name="chat calls")
            try:
                async for items in stream.arrivals():
                    async for item in self._reader.filled(stream, items):
                        stream.check()
                        yield pb.ChatResponse(**{_field(item): item})
                    if not items:
                        yield pb.ChatResponse(heartbeat=pb.Heartbeat())
                await calls
            finally:
                calls.cancel()
                await asyncio.gather(calls, return_exceptions=True)

    async def _opened(self, requests: AsyncIterator[pb.ChatRequest]) -> pb.SubscribeRequest:
        try:
            async with asyncio.timeout(OPEN_S):
                first = await anext(requests, pb.ChatRequest())
        except TimeoutError:
            raise Deadline("DEADLINE_EXCEEDED", "The stream was not opened in time: begin with `open`.") from None
        if not first.HasField("open"):
            raise Invalid("INVALID_REQUEST", "The first frame opens the stream: it has `open`.")
        validate(first)
        return first.open

    async def _take(self, requests: AsyncIterator[pb.ChatRequest], stream: Stream) -> None:
        self._unanswered += 1
        try:
            async for frame in requests:
                await self._call(frame, stream)
        finally:
            self._answered()

    async def _call(self, frame: pb.ChatRequest, stream: Stream) -> None:
        kind = frame.WhichOneof("call") or ""
        self._unanswered += 1
        if kind not in _CALLS:
            self._answer(frame.id, "", Invalid("INVALID_REQUEST", "The frame is no call that can be answered."))
            return
        method, field, _ = _CALLS[kind]
        request: Message = getattr(frame, kind)
        try:
            stream.check()
            await self._charge(method, request, stream)
        except Error as error:
            self._answer(frame.id, field, error)
            return
        call = pb.Call(method=method, correlation_id=self._context.correlation_id, traceparent=self._traceparent)
        answer = partial(self._answer, frame.id, kind)
        stream.live.calls.start(call, request, stream.principal, self._context.token, self._context.address, answer)

    async def _charge(self, method: str, request: Message, stream: Stream) -> None:
        """Charges the call as if it came alone. Raises Exhausted (RATE_LIMITED)."""
        limits = stream.live.limits
        refused = refusal(
            await limits.take(limits.of_call(method, RequestContext(principal=stream.principal), request))
        )
        if refused is not None:
            raise refused

    def _answer(self, id_: int, kind: str, result: bytes | Error) -> None:
        if isinstance(result, Error):
            answer = pb.ChatAnswer(id=id_, error=to_status(result))
        else:
            _, field, response = _CALLS[kind]
            fields: dict[str, Any] = {field: response.FromString(result)}
            answer = pb.ChatAnswer(id=id_, **fields)
        self._changes.mailbox.put(answer, answer.ByteSize())
        self._answered()

    def _answered(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._changes.mailbox.close()


def _field(item: Message) -> str:
    return "answer" if isinstance(item, pb.ChatAnswer) else "change"

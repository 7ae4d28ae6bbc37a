"""The other end of a Relay stream: sends entries, sorts out replies and events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any, TypeVar

from google.protobuf.message import Message

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1 import message_service_pb2 as messages_pb
from mesh.call.status import from_status

M = TypeVar("M", bound=Message)
SEND = "/chat.message.v1.MessageService/SendMessage"
CORRELATION = "relay-call"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Gateway:
    """`open` turns an iterator of requests into the stream of responses, however it gets there."""

    def __init__(self, open_: Callable[[AsyncIterator[pb.RelayRequest]], AsyncIterator[pb.RelayResponse]]) -> None:
        self._frames: asyncio.Queue[pb.RelayRequest | None] = asyncio.Queue()
        self._responses = open_(self._requests())
        self._ids = count(1)
        self.replies: dict[int, pb.RelayReply] = {}
        self.events: list[pb.RelayEvent] = []
        self.frames: list[pb.RelayResponse] = []

    async def _requests(self) -> AsyncIterator[pb.RelayRequest]:
        while (frame := await self._frames.get()) is not None:
            yield frame

    def attach(self, session: int, token: str) -> pb.RelayEntry:
        return pb.RelayEntry(id=next(self._ids), session=session, attach=pb.Attach(token=token))

    def detach(self, session: int) -> pb.RelayEntry:
        return pb.RelayEntry(id=next(self._ids), session=session, detach=pb.Detach())

    def call(self, session: int, method: str, request: Message | bytes) -> pb.RelayEntry:
        body = request if isinstance(request, bytes) else request.SerializeToString()
        call = pb.Call(method=method, request=body, correlation_id=CORRELATION, traceparent=TRACEPARENT)
        return pb.RelayEntry(id=next(self._ids), session=session, call=call)

    def message(self, session: int, conversation_id: str, text: str = "hi", **about: Any) -> pb.RelayEntry:
        request = messages_pb.SendMessageRequest(conversation_id=conversation_id, text=text, **about)
        return self.call(session, SEND, request)

    def send(self, *entries: pb.RelayEntry) -> None:
        """One frame."""
        self._frames.put_nowait(pb.RelayRequest(entries=entries))

    def finish(self) -> None:
        self._frames.put_nowait(None)

    async def read(self) -> bool:
        """Reads a frame; False at the end of the stream."""
        async with asyncio.timeout(5):
            frame = await anext(self._responses, None)
        if frame is None:
            return False
        self.frames.append(frame)
        self.replies |= {reply.id: reply for reply in frame.replies}
        self.events += frame.events
        return True

    async def reply(self, entry: pb.RelayEntry) -> pb.RelayReply:
        """The reply to an entry; what else comes is kept."""
        while entry.id not in self.replies:
            assert await self.read()
        return self.replies[entry.id]

    async def ask(self, *entries: pb.RelayEntry) -> list[pb.RelayReply]:
        self.send(*entries)
        return [await self.reply(entry) for entry in entries]

    async def response(self, entry: pb.RelayEntry, kind: type[M]) -> M:
        (reply,) = await self.ask(entry)
        if reply.HasField("error"):
            raise from_status(reply.error)
        return kind.FromString(reply.response)

    async def reason(self, entry: pb.RelayEntry) -> str:
        """Why an entry is refused."""
        (reply,) = await self.ask(entry)
        assert reply.HasField("error"), reply
        return from_status(reply.error).reason

    async def event(self) -> pb.RelayEvent:
        """The next event."""
        while not self.events:
            assert await self.read()
        return self.events.pop(0)

    async def told(self, number: int) -> list[tuple[str, int, str, str]]:
        """`(type, pos, user_id, except_user_id)` of the next events."""
        events = [await self.event() for _ in range(number)]
        return [(e.change.type, e.change.pos, e.user_id, e.except_user_id) for e in events]

    async def close(self) -> None:
        await self._responses.aclose()  # type: ignore[attr-defined]

"""The one stream to the message service that carries the calls of all sockets of this process, in batches.

What arrives while a frame is being written leaves in the next one: no timer, no delay when there is little to do.
When the stream breaks, what was not answered fails as UNAVAILABLE (a send is safe to repeat by its client_msg_id), the
stream is opened again, and every session is attached anew.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from logging import INFO, WARNING

import grpc
import structlog

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from mesh.background import background
from mesh.call.channel import stream
from mesh.call.status import from_rpc_error, from_status
from mesh.errors import Deadline, Error, Exhausted, Unavailable
from mesh.events.backoff import Backoff

log = structlog.get_logger(__name__)

MAX_FRAME_BYTES = 256 * 1024
MAX_WAITING = 10_000
_BACKOFF = Backoff(base_s=0.1, cap_s=3.0)
MIN_WAIT_S = 0.1
OnReply = Callable[[pb.RelayReply], None]
ANSWER_S = 5.0
"""How long a call may stay without an answer; the service's own deadlines are shorter."""


@dataclass(slots=True, eq=False)
class Attachment:
    """A user's session on the stream. `on_attached` hears of each (re-)attachment, `on_lost` of its final refusal."""

    number: int
    token: str
    address: str
    on_attached: Callable[[pb.Attached], None]
    on_lost: Callable[[Error], None]
    live: bool = False


class Relay:
    """Sends entries, matches replies, and hands on events in the order they come."""

    def __init__(self, channel: grpc.aio.Channel, on_events: Callable[[list[pb.RelayEvent]], None]) -> None:
        self._stub = FeedServiceStub(channel)
        self._on_events = on_events
        self._outgoing: list[pb.RelayEntry] = []
        self._wake = asyncio.Event()
        self._waiting: dict[int, tuple[asyncio.Future[pb.RelayReply], OnReply | None]] = {}
        self._attachments: dict[int, Attachment] = {}
        self._entry = 0
        self._session = 0
        self._open = False

    async def attach(
        self,
        token: str,
        on_attached: Callable[[pb.Attached], None],
        on_lost: Callable[[Error], None],
        *,
        address: str,
    ) -> Attachment:
        """Opens a session for the user of `token`, who is at `address`.

        `on_attached` runs before any event after it is handed on.
        """
        self._session += 1
        attachment = Attachment(self._session, token, address, on_attached, on_lost)
        self._attachments[attachment.number] = attachment
        try:
            await self._attach(attachment)
        except BaseException:
            self.detach(attachment)
            raise
        return attachment

    async def refresh(self, attachment: Attachment, token: str) -> pb.Attached:
        """Goes on with a fresh token of the same user. Raises what the service says to it."""
        attach = pb.Attach(token=token, address=attachment.address)
        reply = await self._ask(pb.RelayEntry(session=attachment.number, attach=attach))
        attachment.token = token
        return reply.attached

    def detach(self, attachment: Attachment) -> None:
        if self._attachments.pop(attachment.number, None) and self._open:
            self._send(pb.RelayEntry(session=attachment.number, detach=pb.Detach()))

    async def call(
        self, attachment: Attachment, method: str, request: bytes, *, correlation_id: str, traceparent: str
    ) -> bytes:
        """Makes a unary call as the user of `attachment`; the serialized response."""
        call = pb.Call(method=method, request=request, correlation_id=correlation_id, traceparent=traceparent)
        reply = await self._ask(pb.RelayEntry(session=attachment.number, call=call))
        return reply.response

    async def _attach(self, attachment: Attachment) -> None:
        attach = pb.Attach(token=attachment.token, address=attachment.address)
        entry = pb.RelayEntry(session=attachment.number, attach=attach)

        def on_reply(reply: pb.RelayReply) -> None:
            if reply.HasField("attached"):
                attachment.live = True
                attachment.on_attached(reply.attached)

        await self._ask(entry, on_reply)

    async def _ask(self, entry: pb.RelayEntry, on_reply: OnReply | None = None) -> pb.RelayReply:
        if not self._open:
            raise Unavailable("UNAVAILABLE", "The message service does not answer.", retry_after_s=1)
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("OVERLOADED", "Too much is waiting. Try again.", retry_after_s=1)
        self._entry += 1
        entry.id = self._entry
        future: asyncio.Future[pb.RelayReply] = asyncio.get_running_loop().create_future()
        self._waiting[entry.id] = future, on_reply
        self._send(entry)
        try:
            async with asyncio.timeout(ANSWER_S):
                reply = await future
        except TimeoutError:
            raise Deadline("DEADLINE_EXCEEDED", "The message service did not answer in time.") from None
        finally:
            self._waiting.pop(entry.id, None)
        if reply.HasField("error"):
            raise from_status(reply.error)
        return reply

    def _send(self, entry: pb.RelayEntry) -> None:
        self._outgoing.append(entry)
        self._wake.set()

    async def run(self) -> None:
        """Keeps the stream open until it is cancelled."""
        failures = 0
        while True:
            try:
                async with stream(self._stub.Relay()) as call:
                    await self._serve(call)
                    failures = 0
            except grpc.aio.AioRpcError as error:
                reason = from_rpc_error(error).reason
                log.log(INFO if reason == "DRAINING" else WARNING, "the relay ended", reason=reason)
            finally:
                self._break()
            failures += 1
            await asyncio.sleep(_BACKOFF.delay_s(failures))

    async def _serve(self, call: grpc.aio.StreamStreamCall[pb.RelayRequest, pb.RelayResponse]) -> None:
        self._open = True
        self._outgoing.clear()
        again = asyncio.gather(*[self._attach_again(a) for a in list(self._attachments.values()) if a.live])
        writer = asyncio.create_task(self._write(call))
        try:
            async for frame in call:
                self._receive(frame)
        finally:
            self._break()
            writer.cancel()
            again.cancel()
            await asyncio.gather(writer, again, return_exceptions=True)

    async def _attach_again(self, attachment: Attachment) -> None:
        try:
            while (wait_s := await self._attached_or_wait(attachment)) > 0:
                await asyncio.sleep(wait_s)
        except Unavailable:
            pass  # The stream broke again; the next one tries again.
        except Error as error:
            attachment.on_lost(error)

    async def _attached_or_wait(self, attachment: Attachment) -> float:
        """Attaches a session. When its user has to wait, since many of theirs come back at once: for how long."""
        try:
            await self._attach(attachment)
        except Exhausted as error:
            if error.reason != "RATE_LIMITED":
                raise
            return max(error.retry_after_s or 0, MIN_WAIT_S)
        return 0

    async def _write(self, call: grpc.aio.StreamStreamCall[pb.RelayRequest, pb.RelayResponse]) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outgoing:
                await call.write(pb.RelayRequest(entries=self._frame()))

    def _frame(self) -> list[pb.RelayEntry]:
        size = count = 0
        for entry in self._outgoing:
            size += entry.ByteSize() + 8
            if count and size > MAX_FRAME_BYTES:
                break
            count += 1
        frame, self._outgoing = self._outgoing[:count], self._outgoing[count:]
        return frame

    def _receive(self, frame: pb.RelayResponse) -> None:
        for reply in frame.replies:
            future, on_reply = self._waiting.get(reply.id, (None, None))
            if future and not future.done():
                if on_reply:
                    on_reply(reply)  # At once: the events that follow belong to whom it names.
                future.set_result(reply)
        if frame.events:
            self._on_events(list(frame.events))

    def _break(self) -> None:
        self._open = False
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(Unavailable("UNAVAILABLE", "The message service went away.", retry_after_s=1))


@asynccontextmanager
async def open_relay(
    channel: grpc.aio.Channel, on_events: Callable[[list[pb.RelayEvent]], None]
) -> AsyncIterator[Relay]:
    """A relay whose stream is kept open until the block is left."""
    relay = Relay(channel, on_events)
    async with background(relay.run(), "relay"):
        yield relay

"""The one stream to an instance of the message service: it carries the calls of all sockets here, in batches.

What arrives while a frame is being written leaves in the next one; where much does, in steps (mesh/pace.py).
When the stream breaks, what was not answered fails as Broken, the stream is opened again, and every session is attached
anew.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from logging import INFO, WARNING

import grpc
import structlog

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from mesh.call.channel import stream
from mesh.call.status import from_rpc_error, from_status
from mesh.errors import Deadline, Error, Exhausted, Unauthenticated, Unavailable
from mesh.events.backoff import Backoff
from mesh.pace import Pace

log = structlog.get_logger(__name__)

MAX_FRAME_BYTES = 256 * 1024
MAX_WAITING = 10_000
_BACKOFF = Backoff(base_s=0.1, cap_s=3.0)
MIN_WAIT_S = 0.1
OnReply = Callable[[pb.RelayReply], None]
ANSWER_S = 5.0
"""How long a call may stay without an answer; the service's own deadlines are shorter."""
LOOK_S = 0.5
"""How often it is looked which calls have waited for too long. One timer for all."""


@dataclass(slots=True, eq=False)
class _Asked:
    """An entry that has no answer yet."""

    future: asyncio.Future[pb.RelayReply]
    on_reply: OnReply | None
    until: float


class Broken(Unavailable):
    """There is no stream, or it broke before the answer: whether the call was carried out is not known."""

    def __init__(self, *, sent: bool) -> None:
        message = "The message service went away." if sent else "The message service does not answer."
        super().__init__("UNAVAILABLE", message, retry_after_s=1)
        self.sent = sent
        """Whether the call may have reached the service."""


@dataclass(slots=True, eq=False)
class Seat:
    """A user's session on the stream. `on_attached` hears of each (re-)attachment, `on_lost` of its final refusal."""

    number: int
    token: str
    address: str
    on_attached: Callable[[pb.Attached], None]
    on_lost: Callable[[Error], None]
    live: bool = False
    """Whether it is to be attached whenever the stream is opened."""
    attached: bool = False
    """Whether it is attached now."""


class Relay:
    """Sends entries, matches replies, and hands on events in the order they come.

    `on_turn` is told when the stream has been opened and all sessions are attached, and when it has broken.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        on_events: Callable[[list[pb.RelayEvent]], None],
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self._channel = channel
        self._stub = FeedServiceStub(channel)
        self._on_events = on_events
        self._on_turn = on_turn
        self._outgoing: list[pb.RelayEntry] = []
        self._wake = asyncio.Event()
        self._pace = Pace()
        self._waiting: dict[int, _Asked] = {}
        """By entry, in the order in which they were asked and will have waited for too long."""
        self._seats: dict[int, Seat] = {}
        self._attaching: set[asyncio.Task[None]] = set()
        self._entry = 0
        self._session = 0
        self._open = False
        self._whole = self._silent = False

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def is_whole(self) -> bool:
        """Whether all sessions are attached that were to be when it was opened, and calls are answered in time."""
        return self._whole and not self._silent

    async def attach(
        self,
        token: str,
        on_attached: Callable[[pb.Attached], None],
        on_lost: Callable[[Error], None],
        *,
        address: str,
    ) -> Seat:
        """Opens a session for the user of `token`, who is at `address`.

        `on_attached` runs before any event after it is handed on.
        """
        seat = self._seat(token, on_attached, on_lost, address)
        try:
            await self._attach(seat)
        except BaseException:
            self.detach(seat)
            raise
        return seat

    def follow(
        self,
        token: str,
        on_attached: Callable[[pb.Attached], None],
        on_lost: Callable[[Error], None],
        *,
        address: str,
    ) -> Seat:
        """The same for a session that another instance has taken: nobody waits, now or when the stream is opened."""
        seat = self._seat(token, on_attached, on_lost, address)
        seat.live = True
        self.renew(seat)
        return seat

    def renew(self, seat: Seat) -> None:
        """Has the token of a session looked at again."""
        if self._open:
            task = asyncio.create_task(self._attach_again(seat), name="attach")
            self._attaching.add(task)
            task.add_done_callback(self._attaching.discard)

    async def refresh(self, seat: Seat, token: str) -> pb.Attached:
        """Goes on with a fresh token of the same user. Raises what the service says to it."""
        attach = pb.Attach(token=token, address=seat.address)
        reply = await self._ask(pb.RelayEntry(session=seat.number, attach=attach))
        seat.token = token
        return reply.attached

    def detach(self, seat: Seat) -> None:
        if self._seats.pop(seat.number, None) and self._open:
            self._send(pb.RelayEntry(session=seat.number, detach=pb.Detach()))

    async def call(self, seat: Seat, method: str, request: bytes, *, correlation_id: str, traceparent: str) -> bytes:
        """Makes a unary call as the user of `seat`; the serialized response. Raises Broken too."""
        call = pb.Call(method=method, request=request, correlation_id=correlation_id, traceparent=traceparent)
        try:
            reply = await self._ask(pb.RelayEntry(session=seat.number, call=call))
        except Unauthenticated as error:
            if error.reason != "NOT_ATTACHED":
                raise
            raise Broken(sent=False) from None  # The stream is new: the session is attached again in a moment.
        return reply.response

    async def settled(self) -> None:
        """Waits until nothing waits for an answer, though not for ever."""
        waiting = [asked.future for asked in self._waiting.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=ANSWER_S)

    def _seat(
        self, token: str, on_attached: Callable[[pb.Attached], None], on_lost: Callable[[Error], None], address: str
    ) -> Seat:
        self._session += 1
        seat = self._seats[self._session] = Seat(self._session, token, address, on_attached, on_lost)
        return seat

    async def _attach(self, seat: Seat) -> None:
        # A session that goes on was counted for the rate limits when it began, whichever stream it was on.
        attach = pb.Attach(token=seat.token, address=seat.address, counted=seat.live)
        entry = pb.RelayEntry(session=seat.number, attach=attach)

        def on_reply(reply: pb.RelayReply) -> None:
            if reply.HasField("attached"):
                seat.live = seat.attached = True
                seat.on_attached(reply.attached)

        await self._ask(entry, on_reply)

    async def _ask(self, entry: pb.RelayEntry, on_reply: OnReply | None = None) -> pb.RelayReply:
        if not self._open:
            raise Broken(sent=False)
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("OVERLOADED", "Too much is waiting. Try again.", retry_after_s=1)
        self._entry += 1
        entry.id = self._entry
        future: asyncio.Future[pb.RelayReply] = asyncio.get_running_loop().create_future()
        self._waiting[entry.id] = _Asked(future, on_reply, time.monotonic() + ANSWER_S)
        self._send(entry)
        try:
            reply = await future
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
                await self._channel.channel_ready()
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
        for seat in list(self._seats.values()):
            if seat.live:
                self.renew(seat)
        works = (self._write(call), self._gather(list(self._attaching)), self._give_up())
        beside = [asyncio.create_task(work) for work in works]
        try:
            async for frame in call:
                self._receive(frame)
        finally:
            self._break()
            beside += self._attaching
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _gather(self, attaching: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*attaching)
        self._whole = True
        self._on_turn()

    async def _attach_again(self, seat: Seat) -> None:
        try:
            while seat.number in self._seats and (wait_s := await self._attached_or_wait(seat)) > 0:
                await asyncio.sleep(wait_s)
        except Broken:
            pass  # The next stream tries again.
        except Error as error:
            seat.on_lost(error)

    async def _attached_or_wait(self, seat: Seat) -> float:
        """Attaches a session. When that has to be done later: in how long."""
        try:
            await self._attach(seat)
        except Broken:
            raise
        except (Deadline, Unavailable):  # What the service asks itself cannot be reached.
            return MIN_WAIT_S
        except Exhausted as error:  # Many sessions of one user come back at once.
            if error.reason != "RATE_LIMITED":
                raise
            return max(error.retry_after_s or 0, MIN_WAIT_S)
        return 0

    async def _write(self, call: grpc.aio.StreamStreamCall[pb.RelayRequest, pb.RelayResponse]) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._pace.turn()
            self._pace.begin(len(self._outgoing))
            while self._outgoing:
                await call.write(pb.RelayRequest(entries=self._frame()))

    async def _give_up(self) -> None:
        """Waits no longer for what should have been answered by now."""
        while True:
            await asyncio.sleep(LOOK_S)
            now = time.monotonic()
            for asked in self._waiting.values():
                if asked.until > now:
                    break
                if not asked.future.done():
                    self._silent = True
                    error = Deadline("DEADLINE_EXCEEDED", "The message service did not answer in time.")
                    asked.future.set_exception(error)

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
        self._silent = False
        for reply in frame.replies:
            asked = self._waiting.get(reply.id)
            if asked is not None and not asked.future.done():
                if asked.on_reply:
                    asked.on_reply(reply)  # At once: the events that follow belong to whom it names.
                asked.future.set_result(reply)
        if frame.events:
            self._on_events(list(frame.events))

    def _break(self) -> None:
        if not self._open:
            return
        self._open = self._whole = False
        for seat in self._seats.values():
            seat.attached = False
        for asked in self._waiting.values():
            if not asked.future.done():
                asked.future.set_exception(Broken(sent=True))
        self._on_turn()

"""The one stream to the presence service: it tells of the devices of this process, and hears of watched users.

All devices are named again every few seconds, in batches: no timer for each. While there is no stream they go on by
themselves for the length of their leases, and sockets work as ever.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from logging import INFO, WARNING
from typing import Any, Final

import grpc
import structlog

from chat.presence.v1 import presence_service_pb2 as pb
from chat.presence.v1.presence_service_pb2_grpc import PresenceServiceStub
from facade.presence.audience import Receiver, User
from mesh.call.channel import stream
from mesh.call.status import from_rpc_error
from mesh.events.backoff import Backoff
from mesh.waiting import wait

LEAVE_S: Final = 1.0
"""How long the end waits until the service has heard that all devices are closed."""
RENEW_S: Final = 15.0
"""A third of a lease: two frames may get lost."""
SILENCE_S: Final = 25.0
"""The service says something every 10 s. A stream that does not belongs to a process that hangs."""
BATCH: Final = 1_000
MAX_CLOSED: Final = 10_000
"""Devices whose end is kept while there is no stream. That of others is noticed when their leases are over."""
_BACKOFF: Final = Backoff(base_s=0.1, cap_s=3.0)

log = structlog.get_logger(__name__)


class Heartbeat:
    """`watched` tells whom to watch when a stream is opened, `on_frame` hears what it tells."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        gateway_id: str,
        watched: Callable[[], Collection[User]],
        on_frame: Callable[[Sequence[pb.PresenceDelta]], None],
        *,
        renew_s: float = RENEW_S,
    ) -> None:
        self._stub = PresenceServiceStub(channel)
        self._gateway_id, self._watched, self._on_frame = gateway_id, watched, on_frame
        self._renew_s = renew_s
        self._leases: dict[str, pb.DeviceLease] = {}
        """By socket."""
        self._new: set[str] = set()
        self._again: set[str] = set()
        self._closed: dict[str, pb.DeviceLease] = {}
        self._interest: dict[User, bool] = {}
        self._wake = asyncio.Event()
        self._open = False
        self._failures = 0
        self._leaving = False
        self._left = asyncio.Event()

    def online(self, receiver: Receiver) -> None:
        """A socket has connected."""
        self._leases[receiver.sid] = pb.DeviceLease(
            workspace_id=receiver.workspace_id,
            user_id=receiver.user_id,
            device_id=receiver.session_id,
            socket_id=receiver.sid,
        )
        self._new.add(receiver.sid)
        self._wake.set()

    def offline(self, receiver: Receiver) -> None:
        """A socket has ended; one that was not online does no harm."""
        lease = self._leases.pop(receiver.sid, None)
        self._again.discard(receiver.sid)
        if lease is None or receiver.sid in self._new:  # Nobody was told of it.
            self._new.discard(receiver.sid)
        elif len(self._closed) < MAX_CLOSED:
            self._closed[receiver.sid] = lease
            self._wake.set()

    def holds(self, receiver: Receiver) -> bool:
        """Whether a socket is online."""
        return receiver.sid in self._leases

    def mark(self, receiver: Receiver, *, away: bool) -> None:
        """Whether somebody uses a device."""
        lease = self._leases.get(receiver.sid)
        if lease is not None and lease.away != away:
            lease.away = away
            self._again.add(receiver.sid)
            self._wake.set()

    def interest(self, user: User, wanted: bool) -> None:
        """Whether to be told of a user."""
        if self._open:
            self._interest[user] = wanted
            self._wake.set()

    async def run(self) -> None:
        """Keeps the stream open until it is cancelled, or everything was told after `leave`."""
        while not self._leaving:
            self._failures += 1
            try:
                async with stream(self._stub.Heartbeat()) as call:
                    await self._serve(call)
            except (grpc.aio.AioRpcError, TimeoutError) as error:
                self._ended(error)
            except Exception as error:  # Whatever it was, to be offline for ever would be worse.
                log.error("presence broke", exc_info=error)
            finally:
                self._open = False
            if not self._leaving:
                await asyncio.sleep(_BACKOFF.delay_s(max(self._failures, 1)))
        self._left.set()

    async def leave(self) -> None:
        """Tells that all devices are closed, before the process ends; waits for that, though not for long."""
        if self._open:
            self._leaving = True
            for sid in self._leases.keys() - self._new:
                self._closed[sid] = self._leases[sid]
            for kept in (self._leases, self._new, self._again, self._interest):
                kept.clear()
            self._wake.set()
            await wait(self._left, LEAVE_S)

    async def _serve(self, call: Any) -> None:
        """Hears what the service says, while it is told what there is to tell."""
        self._announce_all()
        self._interest = dict.fromkeys(self._watched(), True)
        self._open = True
        writer = asyncio.create_task(self._write(call), name="presence writer")
        try:
            frames = aiter(call)
            while True:
                async with asyncio.timeout(SILENCE_S):
                    frame = await anext(frames, None)
                if frame is None:
                    return
                self._failures = 0
                self._hear(frame)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def _ended(self, error: Exception) -> None:
        reason = from_rpc_error(error).reason if isinstance(error, grpc.aio.AioRpcError) else "SILENT"
        level = WARNING if reason != "DRAINING" and self._failures <= 1 else INFO  # Once, not at each try.
        log.log(level, "the presence service went away", reason=reason)

    def _hear(self, frame: pb.HeartbeatResponse) -> None:
        if frame.reannounce:
            self._announce_all()
        self._on_frame(frame.deltas)

    def _announce_all(self) -> None:
        self._again |= self._leases.keys() - self._new
        self._wake.set()

    async def _write(self, call: Any) -> None:
        loop = asyncio.get_running_loop()
        renew_at = loop.time() + self._renew_s
        await call.write(pb.HeartbeatRequest(gateway_id=self._gateway_id))
        while True:
            await wait(self._wake, renew_at - loop.time())
            self._wake.clear()
            if loop.time() >= renew_at:
                renew_at = loop.time() + self._renew_s
                self._announce_all()
            while frame := self._frame():
                await call.write(frame)
            if self._leaving:
                await call.done_writing()
                return

    def _frame(self) -> pb.HeartbeatRequest | None:
        """A batch of what there is to tell; None when that is nothing."""
        frame = pb.HeartbeatRequest(
            connected=[self._leases[sid] for sid in _taken(self._new)],
            renewed=[self._leases[sid] for sid in _taken(self._again)],
            closed=[self._closed.pop(sid) for sid in list(self._closed)[:BATCH]],
        )
        for user in list(self._interest)[:BATCH]:
            changes = frame.watch if self._interest.pop(user) else frame.unwatch
            changes.add(workspace_id=user[0], user_id=user[1])
        return frame if frame.ListFields() else None


def _taken(sids: set[str]) -> Iterable[str]:
    """Takes a batch out of a set."""
    return [sids.pop() for _ in range(min(len(sids), BATCH))]

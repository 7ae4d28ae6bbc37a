"""Presence of the sockets of this process: put together, and run beside them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

import grpc
import structlog

from chat.presence.v1 import presence_pb2 as pb
from chat.presence.v1.presence_service_pb2 import PresenceDelta
from facade.presence.audience import Audience, Frame, Receiver
from facade.presence.events import Call, PresenceEvents
from facade.presence.heartbeat import Heartbeat
from facade.translate import Encoder
from mesh.background import background
from mesh.errors import Unavailable
from mesh.moment import moment_text

log = structlog.get_logger(__name__)


class Presence(Protocol):
    """What sockets need of it."""

    def online(self, receiver: Receiver) -> None:
        """A socket has connected."""
        ...

    def offline(self, receiver: Receiver) -> None:
        """A socket has ended. One that was not online does no harm."""
        ...

    async def answer(
        self, event: str, receiver: Receiver, data: Any, *, token: str, correlation_id: str
    ) -> dict[str, Any]:
        """The `data` of the answer to one of EVENTS. Raises what its RPCs raise, Invalid (INVALID_REQUEST),
        WrongState (QUOTA_REACHED), Unavailable (UNAVAILABLE, OVERLOADED).
        """
        ...


class LivePresence:
    """By the presence service. While it does not answer, users are `unknown` and nothing fails."""

    def __init__(self, channel_for: Callable[[str], grpc.aio.Channel], encoder: Encoder, frame: Frame) -> None:
        encode = encoder.of(pb.Presence.DESCRIPTOR)
        self.heartbeat = Heartbeat(channel_for("presence"), uuid4().hex, lambda: self._audience.users, self._hear)
        self._audience = Audience(encode, frame, self.heartbeat.interest, now=_now)
        self._events = PresenceEvents(channel_for, self._audience, self.heartbeat, encode)

    def online(self, receiver: Receiver) -> None:
        self.heartbeat.online(receiver)

    def offline(self, receiver: Receiver) -> None:
        self.heartbeat.offline(receiver)
        self._audience.leave(receiver)

    async def answer(
        self, event: str, receiver: Receiver, data: Any, *, token: str, correlation_id: str
    ) -> dict[str, Any]:
        return await self._events.answer(event, receiver, Call(token, correlation_id), data)

    def _hear(self, deltas: Sequence[PresenceDelta]) -> None:
        self._audience.tell(deltas)
        self._audience.catch_up()


class NoPresence:
    """For an installation without the service."""

    def online(self, receiver: Receiver) -> None: ...

    def offline(self, receiver: Receiver) -> None: ...

    async def answer(
        self, event: str, receiver: Receiver, data: Any, *, token: str, correlation_id: str
    ) -> dict[str, Any]:
        raise Unavailable("UNAVAILABLE", "There is no presence service here.")


@asynccontextmanager
async def open_presence(
    channel_for: Callable[[str], grpc.aio.Channel], encoder: Encoder, frame: Frame
) -> AsyncIterator[Presence]:
    """Keeps the stream to the presence service, if there is one, open until the block is left."""
    try:
        presence = LivePresence(channel_for, encoder, frame)
    except Unavailable as error:
        log.warning("nobody is seen here", reason=error.message)
        yield NoPresence()
        return
    async with background(presence.heartbeat.run(), "presence"):
        try:
            yield presence
        finally:
            await presence.heartbeat.leave()


def _now() -> str:
    return moment_text(datetime.now(UTC))

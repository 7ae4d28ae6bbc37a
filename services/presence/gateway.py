"""One Heartbeat stream: the devices that a gateway holds, and the users that it wants to hear of."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from typing import Final

from chat.presence.v1 import presence_service_pb2 as pb
from mesh.errors import Invalid, Unavailable
from mesh.policy.validation import validate
from services.presence.domain import User
from services.presence.inbox import Inbox
from services.presence.streams import Live
from services.presence.wire import to_delta, to_lease, to_user

BEAT_S: Final = 10.0
MAX_WATCHED: Final = 200_000


class GatewayStream:
    """Frames are taken in their order. Devices go on for the length of their leases when it ends."""

    def __init__(self, live: Live, *, beat_s: float = BEAT_S) -> None:
        self._live = live
        self._beat_s = beat_s
        self._gateway_id = ""
        self._watched: dict[User, None] = {}
        self.inbox = Inbox()

    async def serve(self, frames: AsyncIterable[pb.HeartbeatRequest]) -> AsyncIterator[pb.HeartbeatResponse]:
        """The frames towards the gateway, until it has no more.

        Raises Invalid (INVALID_REQUEST), Unavailable (OVERLOADED, DRAINING).
        """
        reader = asyncio.create_task(self._read(frames), name="presence gateway")
        try:
            while self.inbox.is_open:
                deltas, reannounce = await self.inbox.take(self._beat_s)
                yield pb.HeartbeatResponse(deltas=map(to_delta, deltas), reannounce=reannounce)
            await reader
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            await self._live.watching.remove(self._live.store, self.inbox, self._watched)

    async def _read(self, frames: AsyncIterable[pb.HeartbeatRequest]) -> None:
        try:
            async for frame in frames:
                validate(frame)
                await self._take(frame)
        finally:
            self.inbox.end()

    async def _take(self, frame: pb.HeartbeatRequest) -> None:
        self._gateway_id = self._gateway_id or frame.gateway_id
        if not self._gateway_id:
            raise Invalid("INVALID_REQUEST", "The first frame names the gateway: it has `gateway_id`.")
        if frame.connected or frame.renewed or frame.closed:
            connected, renewed, closed = (
                [to_lease(lease, self._gateway_id) for lease in leases]
                for leases in (frame.connected, frame.renewed, frame.closed)
            )
            with suppress(Unavailable):  # The store asks for all of them when it is there again.
                await self._live.store.apply(connected, renewed, closed)
        await self._watch(frame)

    async def _watch(self, frame: pb.HeartbeatRequest) -> None:
        new = [to_user(watched) for watched in frame.watch]
        if len(self._watched) + len(new) > MAX_WATCHED:
            raise Unavailable("OVERLOADED", "The stream watches too many users. Open another one.")
        self._watched.update(dict.fromkeys(new))
        await self._live.watching.add(self._live.store, self.inbox, new)
        gone = [to_user(watched) for watched in frame.unwatch]
        for user in gone:
            self._watched.pop(user, None)
            self.inbox.drop(user)
        await self._live.watching.remove(self._live.store, self.inbox, gone)

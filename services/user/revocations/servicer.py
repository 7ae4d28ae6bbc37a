"""RevocationService: the log of revocations as a stream, and at once for those whose stream is broken."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from chat.user.v1 import revocation_service_pb2 as pb
from chat.user.v1.revocation_service_pb2_grpc import RevocationServiceServicer
from mesh.errors import Unavailable
from services.user.revocations.store import RevocationStore
from services.user.revocations.tail import Tail
from services.user.revocations.wire import to_revocation

FRAME = 1000
"""Entries in a frame, at most."""
BEAT_S = 1.0
MAX_STREAMS = 1000


class RevocationServicer(RevocationServiceServicer):
    def __init__(
        self, store: RevocationStore, tail: Tail, *, clock: Callable[[], datetime], beat_s: float = BEAT_S
    ) -> None:
        self._store = store
        self._tail = tail
        self._clock = clock
        self._beat_s = beat_s
        self._streams = 0

    async def WatchRevocations(
        self, request: pb.WatchRevocationsRequest, context: object
    ) -> AsyncIterator[pb.WatchRevocationsResponse]:
        if self._streams >= MAX_STREAMS:
            raise Unavailable("OVERLOADED", "Too many watch this server. Try another one.", retry_after_s=1)
        self._streams += 1
        try:
            frame = await self._store.after(request.after, self._clock(), FRAME)
            while True:
                yield pb.WatchRevocationsResponse(items=map(to_revocation, frame.items), position=frame.position)
                if await self._tail.beyond(frame.position, self._beat_s):
                    frame = await self._store.after(frame.position, self._clock(), FRAME)
                else:
                    frame = frame.nothing_more()
        finally:
            self._streams -= 1

    async def GetRevocations(self, request: pb.GetRevocationsRequest, context: object) -> pb.GetRevocationsResponse:
        frame = await self._store.after(request.after, self._clock(), FRAME)
        return pb.GetRevocationsResponse(items=map(to_revocation, frame.items), position=frame.position)

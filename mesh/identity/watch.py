"""Keeps what a process knows about identity up to date: the sessions that have ended, and the keys.

The stream of the user service tells of an end within a second. While it is broken, or silent, the same is asked for
every few seconds. While nothing answers at all, tokens are good until they run out.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import grpc
import structlog

from chat.user.v1.revocation_service_pb2 import GetRevocationsRequest, Revocation, WatchRevocationsRequest
from chat.user.v1.revocation_service_pb2_grpc import RevocationServiceStub
from mesh.call.channel import stream
from mesh.call.status import from_rpc_error
from mesh.errors import Error
from mesh.events.backoff import Backoff
from mesh.identity.keys import REFRESH_EVERY_S, Keys
from mesh.identity.revocations import Revocations
from mesh.identity.verifier import Verifier
from mesh.waiting import wait

SILENCE_S = 3.0
"""The stream says something every second. One that does not belongs to a process that hangs, or is out of reach."""
MAX_PAUSE_S = 3.0
"""Between two questions while the stream is broken. With the silence and an answer it stays below five seconds."""
STEADY = 3
"""Frames after which a stream is taken to last."""
START_S = 3.0
"""How long a process waits for the present set before it serves without."""
KEYS_S = 300.0
"""Between two looks at the keys."""

OpenChannel = Callable[[], grpc.aio.Channel]
"""Opens a way of its own to the user service. One that leads nowhere any more is left, not waited for."""

log = structlog.get_logger(__name__)


class Watch:
    """Follows the log of revocations of the user service, from the place that was reached."""

    def __init__(
        self,
        revocations: Revocations,
        open_channel: OpenChannel,
        *,
        silence_s: float = SILENCE_S,
        backoff: Backoff | None = None,
    ) -> None:
        self._revocations = revocations
        self._open_channel = open_channel
        self._silence_s = silence_s
        self._backoff = backoff or Backoff(cap_s=MAX_PAUSE_S)
        self._position = 0
        self._failures = 0
        self.caught_up = asyncio.Event()
        """Set once the set that was in force at the start is known."""

    async def run(self) -> None:
        """Follows until it is cancelled."""
        while True:
            try:
                async with self._open_channel() as channel:
                    await self._catch_up(channel)
                    await self._follow(channel)
            except Exception as error:  # Whatever it was, not to watch any more would be worse.
                self._failed(error)
            self._failures += 1
            await asyncio.sleep(self._backoff.delay_s(self._failures))

    async def _catch_up(self, channel: grpc.aio.Channel) -> None:
        stub, more = RevocationServiceStub(channel), True
        while more:
            answer = await stub.GetRevocations(GetRevocationsRequest(after=self._position))
            self._take(answer.items, answer.position)
            more = bool(answer.items)
        self.caught_up.set()

    async def _follow(self, channel: grpc.aio.Channel) -> None:
        request = WatchRevocationsRequest(after=self._position)
        async with stream(RevocationServiceStub(channel).WatchRevocations(request)) as call:
            frames, taken = aiter(call), 0
            while True:
                async with asyncio.timeout(self._silence_s):
                    frame = await anext(frames, None)
                if frame is None:
                    return
                self._take(frame.items, frame.position)
                taken += 1
                if self._failures and taken == STEADY:  # A stream that breaks at once again must not be opened at will.
                    log.info("revocations are watched again")
                    self._failures = 0

    def _take(self, items: Iterable[Revocation], position: int) -> None:
        self._revocations.add(
            (item.session_id, item.expires_at.seconds + item.expires_at.nanos / 1e9) for item in items
        )
        self._position = position

    def _failed(self, error: Exception) -> None:
        if isinstance(error, grpc.aio.AioRpcError):
            error = from_rpc_error(error)
        if isinstance(error, Error):
            reason, unforeseen = error.reason, None
        else:
            reason, unforeseen = type(error).__name__, None if isinstance(error, TimeoutError) else error
        if self._failures == 0 and reason != "DRAINING":
            log.warning("revocations are asked for, not watched", reason=reason, exc_info=unforeseen)


async def refresh(keys: Keys) -> None:
    """Keeps the keys fresh, until it is cancelled: one that is gone is to be forgotten by who asks for no other too."""
    while True:
        await asyncio.sleep(KEYS_S)
        while not await keys.refresh():
            await asyncio.sleep(REFRESH_EVERY_S)


@asynccontextmanager
async def watching(verifier: Verifier, open_channel: OpenChannel, *, start_s: float = START_S) -> AsyncIterator[None]:
    """Keeps a verifier up to date until the context is left. Enters when the present set is known, or cannot be."""
    watch = Watch(verifier.revocations, open_channel)
    tasks = [
        asyncio.create_task(watch.run(), name="revocations watch"),
        asyncio.create_task(refresh(verifier.keys), name="keys refresh"),
    ]
    try:
        await wait(watch.caught_up, start_s)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

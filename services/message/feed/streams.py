"""The streams of single users that are open in this process: how they begin, what they carry, and when they end.

Subscribe, Chat and WatchConversations differ in what they make of it only.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from chat.message.v1 import feed_service_pb2 as pb
from mesh.call.context import caller
from mesh.errors import Unauthenticated, Unavailable, draining
from mesh.identity.principal import Principal
from mesh.identity.revocations import session_revoked
from services.message.calls import origin
from services.message.feed.domain import Place
from services.message.feed.mailbox import Mailbox
from services.message.feed.relay import Live
from services.message.feed.subscription import Subscriber, subscribed

MAX_TAKEN_BYTES: Final = 256 << 10
HEARTBEAT_S: Final = 15.0
MAX_AGE_S: Final = 3600.0
"""After so long a stream ends, so that clients spread over the servers that there are by then."""


Carried = Callable[[Principal, Subscriber], AbstractAsyncContextManager[object]]
"""While it is open, what other instances commit for somebody reaches the hub here, and what is lost is found."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One of them: the place where it was opened, and a mailbox that gets what comes after it."""

    principal: Principal
    heads: Place
    subscriber: Subscriber
    live: Live
    heartbeat_s: float
    until: float
    """When it is too old, by the clock of `live`."""

    def ready(self) -> pb.Ready:
        """What tells the client where it stands."""
        silent_s = math.ceil(3 * self.heartbeat_s)
        return pb.Ready(heartbeat_s=silent_s, user_pos=self.heads.user_pos, positions=self.heads.positions)

    def check(self) -> None:
        """Whether anything more may be told. Raises Unauthenticated (SESSION_REVOKED, TOKEN_EXPIRED), Unavailable
        (STREAM_TOO_OLD).
        """
        check_session(self.live, self.principal)
        if self.live.clock() >= self.until:
            raise Unavailable("STREAM_TOO_OLD", "The stream is old. Open it again from the place reached.")

    async def arrivals(self) -> AsyncIterator[list[Any]]:
        """What arrives, as it does; nothing when it is time for a sign of life. Ends when the mailbox is closed."""
        while True:
            self.check()
            left_s = min(self.principal.expires_at, self.until) - self.live.clock()
            try:
                async with asyncio.timeout(min(self.heartbeat_s, left_s)):
                    items = await self.subscriber.mailbox.take(MAX_TAKEN_BYTES)
            except TimeoutError:
                yield []
                continue
            if not items:
                return
            yield items


class Streams:
    """Opens them. They end at `drain`, so that clients go on elsewhere before this process ends."""

    def __init__(
        self,
        live: Live,
        *,
        carried: Carried = lambda principal, subscriber: nullcontext(),
        heartbeat_s: float = HEARTBEAT_S,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self.live = live
        self._carried = carried
        self.heartbeat_s = heartbeat_s
        self._max_age_s = max_age_s
        self._drains: set[Callable[[], None]] = set()

    def drain(self) -> None:
        """Ends all streams with Unavailable (DRAINING), once what they owe is on its way."""
        for drain in list(self._drains):
            drain()

    @contextmanager
    def drained(self, drain: Callable[[], None]) -> Iterator[None]:
        """Has `drain` called when the process begins to stop."""
        self._drains.add(drain)
        try:
            yield
        finally:
            self._drains.discard(drain)

    @asynccontextmanager
    async def open(self, subscriber: Subscriber) -> AsyncIterator[Stream]:
        """A stream of the caller's that `subscriber` sorts arrivals for."""
        live, principal, mailbox = self.live, caller(), subscriber.mailbox
        async with (
            self._carried(principal, subscriber),
            subscribed(live.hub, live.writer, origin(), subscriber) as heads,
        ):
            with self.drained(lambda: mailbox.close(draining())), self._revoked(principal, mailbox):
                yield Stream(principal, heads, subscriber, live, self.heartbeat_s, live.clock() + self._max_age_s)

    @contextmanager
    def _revoked(self, principal: Principal, mailbox: Mailbox[Any]) -> Iterator[None]:
        """Ends a stream when the session ends that it was opened in: with what waits for a slow reader left out."""
        revocations = self.live.verifier.revocations
        unwatch = revocations.on_revoked(principal.session_id, lambda: mailbox.cut(session_revoked()))
        try:
            yield
        finally:
            unwatch()


def check_session(live: Live, principal: Principal) -> None:
    """Raises Unauthenticated (SESSION_REVOKED, TOKEN_EXPIRED) when a stream outlives what it was opened with."""
    live.verifier.revocations.check(principal.session_id)
    if live.clock() >= principal.expires_at:
        raise Unauthenticated("TOKEN_EXPIRED", "The access token has ended. Open the stream with a fresh one.")

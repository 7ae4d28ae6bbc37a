"""The streams that are open in this process: how they begin, what they carry, and when they end."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from mesh.call.context import caller
from mesh.errors import Unauthenticated, Unavailable, draining
from mesh.identity.principal import Principal
from mesh.identity.revocations import Revocations, session_revoked
from services.presence.domain import Presence
from services.presence.inbox import Inbox
from services.presence.store import PresenceStore
from services.presence.watching import Delta, Watching

HEARTBEAT_S: Final = 15.0
MAX_AGE_S: Final = 3600.0
"""After so long a stream of a user ends, so that clients spread over the servers that there are by then."""
MAX_STREAMS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Live:
    """What the streams of one process share. `clock` tells the time of day in seconds, as tokens do."""

    store: PresenceStore
    watching: Watching
    revocations: Revocations
    clock: Callable[[], float] = time.time


class Streams:
    """Those that are open. They end at `drain`, so that clients go on elsewhere before this process ends."""

    def __init__(self) -> None:
        self._inboxes: set[Inbox] = set()

    @contextmanager
    def opened(self, inbox: Inbox) -> Iterator[None]:
        """Raises Unavailable (OVERLOADED)."""
        if len(self._inboxes) >= MAX_STREAMS:
            raise Unavailable("OVERLOADED", "Too many watch this server. Try another one.", retry_after_s=1)
        self._inboxes.add(inbox)
        try:
            yield
        finally:
            self._inboxes.discard(inbox)

    def reannounce(self) -> None:
        """Asks all gateways for their devices."""
        for inbox in self._inboxes:
            inbox.reannounce()

    def drain(self) -> None:
        """Ends all streams with Unavailable (DRAINING)."""
        for inbox in self._inboxes:
            inbox.end(draining())


class UserStream:
    """One WatchPresences stream: how users are, then what changes, each as the caller sees it."""

    def __init__(self, live: Live, *, heartbeat_s: float = HEARTBEAT_S, max_age_s: float = MAX_AGE_S) -> None:
        self._live = live
        self._heartbeat_s = heartbeat_s
        self._principal = caller()
        self._until = live.clock() + max_age_s
        self._told: dict[str, Presence] = {}
        self.inbox = Inbox()

    async def serve(self, present: Sequence[Presence]) -> AsyncIterator[list[Presence]]:
        """Frames after the one that told `present`; an empty one when it is time for a sign of life.

        Raises Unauthenticated (SESSION_REVOKED, TOKEN_EXPIRED), Unavailable (STREAM_TOO_OLD, DRAINING).
        """
        self._told = {presence.user_id: presence for presence in present}
        revocations, principal = self._live.revocations, self._principal
        unwatch = revocations.on_revoked(principal.session_id, lambda: self.inbox.end(session_revoked()))
        try:
            while True:
                self._check()
                left_s = min(principal.expires_at, self._until) - self._live.clock()
                deltas, _ = await self.inbox.take(min(self._heartbeat_s, max(left_s, 0)))
                self._check()
                if not deltas:
                    yield []
                elif news := [seen for delta in deltas if (seen := self._news(delta))]:
                    yield news
        finally:
            unwatch()

    def _check(self) -> None:
        self._live.revocations.check(self._principal.session_id)
        now = self._live.clock()
        if now >= self._principal.expires_at:
            raise Unauthenticated("TOKEN_EXPIRED", "The access token has ended. Open the stream with a fresh one.")
        if now >= self._until:
            raise Unavailable("STREAM_TOO_OLD", "The stream is old. Open it again from the place reached.")

    def _news(self, delta: Delta) -> Presence | None:
        """What the caller sees of a change; None when it looks the same to them."""
        seen = seen_by(self._principal, delta)
        if self._told.get(seen.user_id) == seen:
            return None
        self._told[seen.user_id] = seen
        return seen


def seen_by(principal: Principal, delta: Delta) -> Presence:
    return delta.own if delta.user.id == principal.user_id else delta.others

"""How long sockets may go on: as long as the token that they showed, and no longer than the session behind it.

People's clients are asked for a fresh token before the old one ends. Programs with an API key have no other, so theirs
is asked about again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from chat.message.v1.feed_service_pb2 import Attached
from facade.fanout import event_packet
from facade.session import Session
from mesh.errors import Error, Unauthenticated
from mesh.identity.principal import API_KEY_PREFIX
from mesh.identity.revocations import Revocations, session_revoked

NOTICE_S = 60
WATCH_S = 1.0


class Leases:
    """`end` ends a socket for good, `renew` asks about its API key again; both return at once.

    `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        revocations: Revocations,
        end: Callable[[Session, Error], None],
        renew: Callable[[Session], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._revocations, self._end, self._renew, self._clock = revocations, end, renew, clock

    def take(self, session: Session, attached: Attached) -> None:
        """From now on the token and the session count that `attached` tells of, in place of those before."""
        expires_at = self._clock() + attached.expires_in
        if expires_at > session.expires_at + 1:
            session.warned = False
        session.expires_at = expires_at
        self.give_up(session)
        session.unwatch = self._revocations.on_revoked(
            attached.session_id, lambda: self._end(session, session_revoked())
        )

    def give_up(self, session: Session) -> None:
        session.unwatch()

    async def watch(self, sessions: Callable[[], Iterable[Session]]) -> None:
        """Looks at all sockets every second."""
        while True:
            await asyncio.sleep(WATCH_S)
            self.look(list(sessions()))

    def look(self, sessions: Iterable[Session]) -> None:
        """Ends those whose token has ended, and does what is to be done for those whose token is about to."""
        now = self._clock()
        for session in sessions:
            left_s = session.expires_at - now
            if left_s <= 0:
                error = Unauthenticated("TOKEN_EXPIRED", "The access token has ended. Connect with a new one.")
                self._end(session, error)
            elif left_s <= NOTICE_S and not session.warned:
                session.warned = True
                self._warn(session, left_s)

    def _warn(self, session: Session, left_s: float) -> None:
        if session.attachment is not None and session.attachment.token.startswith(API_KEY_PREFIX):
            self._renew(session)
        else:
            session.write(event_packet("auth-expiring", {"expires_in": round(left_s)}))

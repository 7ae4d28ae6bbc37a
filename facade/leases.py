"""How long sockets may go on: as long as the token that they showed, and no longer than the session behind it.

People's clients are asked for a fresh token before the old one ends. Programs with an API key have no other, so theirs
is asked about again.
"""

import time
from collections.abc import Callable

from chat.message.v1.feed_service_pb2 import Attached
from facade.engine.packets import event_frame
from facade.session import Session
from mesh.errors import Error, Unauthenticated
from mesh.identity.principal import API_KEY_PREFIX
from mesh.identity.revocations import Revocations, session_revoked

NOTICE_S = 60
RETRY_S = 2.0


class Leases:
    """`end` ends a socket for good, `renew` asks about its API key again; both return at once.

    `after` has something called in so many seconds, `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        revocations: Revocations,
        end: Callable[[Session, Error], None],
        renew: Callable[[Session], None],
        *,
        after: Callable[[float, Callable[[], None]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._revocations, self._end, self._renew = revocations, end, renew
        self._after, self._clock = after, clock

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
        self._look_in(session, attached.expires_in - NOTICE_S)

    def give_up(self, session: Session) -> None:
        session.unwatch()

    def ask_again(self, session: Session) -> None:
        """What was to be done for a session could not be done: tries again, as long as there is time."""
        session.warned = False
        self._look_in(session, RETRY_S)

    def _look_in(self, session: Session, seconds: float) -> None:
        self._after(max(0.0, seconds), lambda: self._look(session))

    def _look(self, session: Session) -> None:
        """Ends it when its token has ended, and does what is to be done when the token is about to."""
        left_s = session.expires_at - self._clock()
        if session.socket.closed or left_s > NOTICE_S:  # It goes on with another token, that is looked at by itself.
            return
        if left_s <= 0:
            self._end(session, Unauthenticated("TOKEN_EXPIRED", "The access token has ended. Connect with a new one."))
            return
        self._look_in(session, left_s)
        if not session.warned:
            session.warned = True
            self._warn(session, left_s)

    def _warn(self, session: Session, left_s: float) -> None:
        if session.attachment is not None and session.attachment.token.startswith(API_KEY_PREFIX):
            self._renew(session)
        else:
            session.write(event_frame("auth-expiring", {"expires_in": round(left_s)}))

"""The sessions that have ended before their tokens: what a process refuses although the signature is good."""

import time
from collections.abc import Callable, Iterable

from mesh.errors import Error, Unauthenticated

Callback = Callable[[], None]


class Revocations:
    """Ids of sessions and API keys, each until its last token has run out. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._ended: dict[str, float] = {}
        """By id, when it may be forgotten. In the order of commits, which is nearly that of the times."""
        self._wishes: dict[str, dict[object, Callback]] = {}

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._ended

    def __len__(self) -> int:
        return len(self._ended)

    def check(self, session_id: str) -> None:
        """Raises Unauthenticated (SESSION_REVOKED) for a session that has ended."""
        if session_id in self._ended:
            raise session_revoked()

    def on_revoked(self, session_id: str, callback: Callback) -> Callback:
        """Calls back once, when the session ends: at once if it has. Answers what takes the wish back."""
        if session_id in self._ended:
            callback()
            return lambda: None
        wish = object()
        self._wishes.setdefault(session_id, {})[wish] = callback
        return lambda: self._withdraw(session_id, wish)

    def add(self, ended: Iterable[tuple[str, float]]) -> None:
        """Takes in sessions that have ended, each with the time when it may be forgotten."""
        for session_id, expires_at in ended:
            self._ended[session_id] = expires_at
            for callback in self._wishes.pop(session_id, {}).values():
                callback()
        self._forget()

    def _forget(self) -> None:
        now = self._clock()
        while self._ended and self._ended[first := next(iter(self._ended))] <= now:
            del self._ended[first]

    def _withdraw(self, session_id: str, wish: object) -> None:
        wishes = self._wishes.get(session_id, {})
        wishes.pop(wish, None)
        if not wishes:
            self._wishes.pop(session_id, None)


def session_revoked() -> Error:
    return Unauthenticated("SESSION_REVOKED", "The session has been ended. Log in again.")

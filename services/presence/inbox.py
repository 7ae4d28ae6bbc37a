"""What waits to be written to one stream: of each user only how they are now, so it never grows beyond them."""

import asyncio
from dataclasses import replace

from mesh.errors import Error
from mesh.waiting import wait
from services.presence.domain import CONNECTED, User
from services.presence.watching import Delta

MAX_TAKEN = 500


class Inbox:
    """Told by `Watching`, read by a stream."""

    def __init__(self) -> None:
        self._deltas: dict[User, Delta] = {}
        self._reannounce = False
        self._error: Error | None = None
        self._changed = asyncio.Event()
        self.is_open = True

    def tell(self, delta: Delta) -> None:
        old = self._deltas.get(delta.user)
        if old is not None and old.came_online and delta.others.state in CONNECTED:
            delta = replace(delta, came_online=True)
        self._deltas[delta.user] = delta
        self._changed.set()

    def reannounce(self) -> None:
        """The gateway shall name its devices again."""
        self._reannounce = True
        self._changed.set()

    def drop(self, user: User) -> None:
        """Nothing is told of a user who is not watched any more."""
        self._deltas.pop(user, None)

    def end(self, error: Error | None = None) -> None:
        """Ends the reader at once, with `error` if given."""
        if self.is_open:
            self.is_open, self._error = False, error
            self._changed.set()

    async def take(self, wait_s: float) -> tuple[list[Delta], bool]:
        """What is there, and whether to announce again; waits up to `wait_s` for it. Raises what it was ended with."""
        await wait(self._changed, wait_s)
        self._changed.clear()
        if self._error is not None:
            raise self._error
        taken = list(self._deltas.values())[:MAX_TAKEN]
        for delta in taken:
            del self._deltas[delta.user]
        if self._deltas or not self.is_open:
            self._changed.set()
        reannounce, self._reannounce = self._reannounce, False
        return taken, reannounce

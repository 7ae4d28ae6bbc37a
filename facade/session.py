"""One connected socket of a user: what the fan-out writes to it, and how it ends."""

from collections.abc import Callable
from typing import Any

from facade.engine.packets import event_frame
from facade.engine.socket import Socket
from facade.fanout import Receiver
from facade.relays import Attachment


class Session(Receiver):
    """One connected socket of a user."""

    __slots__ = (
        "_on_missed",
        "_on_overflow",
        "address",
        "attachment",
        "ending",
        "expires_at",
        "session_id",
        "sid",
        "socket",
        "unwatch",
        "warned",
        "workspace_id",
    )

    def __init__(
        self,
        sid: str,
        socket: Socket,
        on_overflow: Callable[["Session"], None],
        on_missed: Callable[["Session"], None],
        *,
        address: str,
    ) -> None:
        super().__init__(socket)
        self.sid, self.socket, self.address = sid, socket, address
        self._on_overflow, self._on_missed = on_overflow, on_missed
        self.ending = False
        self.attachment: Attachment | None = None
        self.session_id = self.workspace_id = ""
        self.expires_at = 0.0
        self.warned = False
        self.unwatch: Callable[[], object] = _nothing
        socket.owner = self

    @property
    def token(self) -> str:
        return self.attachment.token if self.attachment is not None else ""

    @property
    def is_congested(self) -> bool:
        """Whether so much waits that what can be left out should be."""
        return self.outlet.is_congested

    def overflow(self) -> None:
        self._on_overflow(self)

    def miss(self) -> None:
        self._on_missed(self)

    def write(self, frame: bytes) -> None:
        """Writes what concerns this socket alone."""
        self.outlet.write(frame)

    async def tell(self, frame: bytes) -> None:
        """Writes what concerns this socket alone, and waits until there is room for more."""
        self.write(frame)
        await self.socket.room()

    def say_last(self, event: str, data: Any) -> None:
        """Writes one more event, however much waits."""
        self.socket.write_last(event_frame(event, data))

    async def close(self) -> None:
        """Closes the connection, without waiting for a client that does not read."""
        await self.socket.close(wait=False)


def _nothing() -> None:
    """Nothing is watched yet."""

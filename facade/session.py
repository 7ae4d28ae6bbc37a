"""One connected socket of a user: what the fan-out writes to it, and how it ends."""

from collections.abc import Callable
from typing import Any

from engineio.packet import Packet

from facade.fanout import Receiver, event_packet
from facade.relay import Attachment

MAX_QUEUED = 1000
"""Packets that may wait for a slow socket."""


class Session(Receiver):
    """One connected socket of a user."""

    __slots__ = ("address", "attachment", "ending", "expires_at", "sid", "socket", "unwatch", "warned")

    def __init__(self, sid: str, socket: Any, overflow: Callable[["Session"], None], *, address: str) -> None:
        super().__init__(self._put, lambda: overflow(self))
        self.sid, self.socket, self.address = sid, socket, address
        self.ending = False
        self.attachment: Attachment | None = None
        self.expires_at = 0.0
        self.warned = False
        self.unwatch: Callable[[], object] = _nothing

    def _put(self, packet: Packet) -> None:
        if self.socket.queue.qsize() < MAX_QUEUED:
            self.socket.queue.put_nowait(packet)
        else:
            self.overflow()

    def say_last(self, event: str, data: Any) -> None:
        """Puts one more packet into the queue, full or not."""
        self.socket.queue.put_nowait(event_packet(event, data))

    async def close(self) -> None:
        """Closes the connection, without waiting for a client that does not read."""
        await self.socket.close(wait=False)


def _nothing() -> None:
    """Nothing is watched yet."""

"""The WebSocket handshake: uvicorn's, which hands the connection over once it is open.

uvicorn has no seam for that. This one is held together by its version, and by tests that open real connections.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from facade.engine.connection import Connection, Reader

EXTENSION: Final = "chat.handshake"
"""Where a request's scope names the protocol that shakes hands."""


class Handshake(WebSocketsSansIOProtocol):
    """What is asked of it beyond uvicorn's: `hand_over`."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # Not when the handshake was refused.
            extensions: dict[str, Any] = cast(dict[str, Any], self.scope["extensions"])
            extensions[EXTENSION] = self

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # It is answered; uvicorn would log every refusal as an error of ours.

    def hand_over(self, reader: Reader, max_bytes: int) -> Connection:
        """The connection, which is open, and from now on none of this protocol's business."""
        connection = Connection(self.transport, reader, self.connections, max_bytes=max_bytes)
        self.connections.discard(self)
        self.transport = _GONE
        while not self.queue.empty():  # A client that did not wait for the handshake.
            if (text := self.queue.get_nowait().get("text")) is not None:
                self.loop.call_soon(reader.received, str(text))
        if self.read_paused:
            connection.transport.resume_reading()
        return connection


def hand_over_from(scope: Any, reader: Reader, *, max_bytes: int) -> Connection:
    """The connection of a request that was accepted."""
    handshake: Handshake = scope["extensions"].pop(EXTENSION)
    return handshake.hand_over(reader, max_bytes)


class _Gone(asyncio.Transport):
    """In place of the transport, which uvicorn closes when the application returns."""

    def close(self) -> None:
        """Does nothing."""

    def is_closing(self) -> bool:
        return True


_GONE: Final = _Gone()

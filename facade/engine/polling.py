"""Requests of clients that poll, checked before the library reads them."""

from typing import Any, Final

from engineio.async_drivers.asgi import translate_request as translate
from engineio.exceptions import EngineIOError

MAX_PAYLOAD_PACKETS: Final = 1000
"""In one request. Clients put in all that waits; the library drops more than 16 without a word."""
_KINDS: Final = {*"0123456b"}


class _Body:
    """The body of a request, checked as it is read."""

    def __init__(self, body: Any) -> None:
        self._body = body

    async def read(self, length: int) -> bytes:
        read: bytes = await self._body.read(length)
        try:
            packets = read.decode().split("\x1e")
        except UnicodeDecodeError:
            packets = [""]
        if len(packets) > MAX_PAYLOAD_PACKETS or not all(packet[:1] in _KINDS for packet in packets):
            raise EngineIOError("not an Engine.IO payload")  # Answered by 400; the session is closed.
        return read


async def translate_request(*connection: Any) -> dict[str, Any]:
    """What the library knows of a request."""
    environ: dict[str, Any] = await translate(*connection)
    environ["wsgi.input"] = _Body(environ["wsgi.input"])
    return environ

"""Socket.IO packets of the default namespace, as frames that are the same for whoever gets them."""

from typing import Any, Final

import orjson
from socketio.packet import BINARY_ACK, BINARY_EVENT, EVENT, Packet

from facade.engine import websocket
from facade.problems import as_dict
from mesh.errors import Invalid

RESERVED: Final = {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "*"}


class StrictPacket(Packet):  # type: ignore[misc]
    """Decodes what the official parser takes, without binary parts: no contract of ours has use for them."""

    def decode(self, encoded_packet: str) -> int:
        attachments: int = super().decode(encoded_packet)
        if self.packet_type in (BINARY_EVENT, BINARY_ACK):
            raise ValueError("binary parts are not taken")
        if self.packet_type == EVENT and not is_event(self.data):
            raise ValueError("not an event")
        return attachments


def is_event(data: Any) -> bool:
    """Whether a client may send this as an event."""
    return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED


def event_frame(event: str, data: object) -> bytes:
    """An event."""
    return websocket.text(b"42" + orjson.dumps([event, data]))


def answer_frame(number: str, answer: object) -> bytes:
    """The answer to an event that asked for one by `number`."""
    return websocket.text(b"43" + number.encode() + orjson.dumps([answer]))


def malformed() -> bytes:
    """What somebody is told who sends what is no packet."""
    error = Invalid("MALFORMED_PACKET", "This is not a Socket.IO packet.")
    return event_frame("problem", as_dict(error, request_id="", trace_id="", instance="/ws"))

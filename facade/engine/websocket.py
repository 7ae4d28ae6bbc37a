"""Frames of the WebSocket protocol (RFC 6455), as a server reads and writes them. No extensions."""

from typing import Final, NamedTuple

from websockets.speedups import apply_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NORMAL, GOING_AWAY, PROTOCOL_ERROR, INVALID_DATA, TOO_BIG = 1000, 1001, 1002, 1007, 1009

_OPCODES: Final = {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}
_FIN, _RESERVED, _MASKED = 0x80, 0x70, 0x80
_MAX_CONTROL_BYTES = 125


class Violation(Exception):
    """The client broke the protocol. `code` is what the connection is closed with."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Frame(NamedTuple):
    """A frame that was read: `end` is where the next one begins."""

    opcode: int
    is_final: bool
    payload: bytes
    end: int


def read(data: bytes | bytearray, at: int, max_bytes: int) -> Frame | None:
    """The frame that begins at `at`; None while it is not there whole. Raises Violation."""
    have = len(data) - at
    if have < 2:
        return None
    first, second = data[at], data[at + 1]
    opcode, is_final, length, head = first & 0x0F, first >= _FIN, second & 0x7F, 6
    if first & _RESERVED or not second & _MASKED or opcode not in _OPCODES:
        raise Violation(PROTOCOL_ERROR)
    if opcode >= CLOSE and (not is_final or length > _MAX_CONTROL_BYTES):
        raise Violation(PROTOCOL_ERROR)
    if length >= 126:
        width = 2 if length == 126 else 8
        head += width
        if have < 2 + width:
            return None
        length = int.from_bytes(data[at + 2 : at + 2 + width], "big")
    if length > max_bytes:
        raise Violation(TOO_BIG)
    start = at + head
    end = start + length
    if len(data) < end:
        return None
    return Frame(opcode, is_final, apply_mask(bytes(data[start:end]), bytes(data[start - 4 : start])), end)


def text(payload: bytes) -> bytes:
    """A text frame, the same for whoever gets it."""
    return _frame(TEXT, payload)


def pong(payload: bytes) -> bytes:
    """The answer to a ping."""
    return _frame(PONG, payload)


def close(code: int) -> bytes:
    """Ends a connection."""
    return _frame(CLOSE, code.to_bytes(2, "big"))


def payloads(frames: bytes) -> list[bytes]:
    """The payloads of frames that were made here."""
    found, at = [], 0
    while at < len(frames):
        length, start = frames[at + 1], at + 2
        if length >= 126:
            width = 2 if length == 126 else 8
            length, start = int.from_bytes(frames[start : start + width], "big"), start + width
        at = start + length
        found.append(frames[start:at])
    return found


def _frame(opcode: int, payload: bytes) -> bytes:
    first, length = _FIN | opcode, len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 1 << 16:
        return bytes((first, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload

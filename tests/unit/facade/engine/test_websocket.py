"""Frames, against what the websockets library says of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from facade.engine import websocket
from facade.engine.websocket import Violation

LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 100_000]


def client() -> ClientProtocol:
    """A client whose handshake is over."""
    protocol = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
    return protocol


def sent(frame: Frame) -> bytes:
    return frame.serialize(mask=True)


@pytest.mark.parametrize("length", LENGTHS)
def test_what_a_client_sends_is_read(length: int) -> None:
    """Whatever its length takes to tell."""
    payload = bytes(index % 251 for index in range(length))
    data = sent(Frame(Opcode.TEXT, payload))
    assert websocket.read(data, 0, 1 << 20) == (websocket.TEXT, True, payload, len(data))


@pytest.mark.parametrize("length", LENGTHS)
def test_a_client_reads_what_is_sent(length: int) -> None:
    """And so do we, who give the same frames to clients that poll."""
    payload = b"x" * length
    reader = client()
    reader.receive_data(websocket.text(payload) + websocket.text(b"next"))
    events = [event for event in reader.events_received() if isinstance(event, Frame)]
    assert [(event.opcode, bytes(event.data)) for event in events] == [(Opcode.TEXT, payload), (Opcode.TEXT, b"next")]
    assert websocket.payloads(websocket.text(payload) + websocket.text(b"next")) == [payload, b"next"]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(0, 1500))
def test_half_a_frame_is_no_frame(payloads: list[bytes], cut: int) -> None:
    """However the bytes arrive, frames are read whole and in order."""
    data = b"".join(sent(Frame(Opcode.BINARY, payload)) for payload in payloads)
    found: list[bytes] = []
    for part in (data[:cut], data):
        at, found = 0, []
        while (frame := websocket.read(part, at, 1 << 20)) is not None:
            found.append(frame.payload)
            at = frame.end
        assert found == payloads[: len(found)]
    assert found == payloads


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xc1\x80\x00\x00\x00\x00", websocket.PROTOCOL_ERROR),  # compressed, which nobody agreed to
        (b"\x81\x00", websocket.PROTOCOL_ERROR),  # not masked
        (b"\x83\x80\x00\x00\x00\x00", websocket.PROTOCOL_ERROR),  # no such kind
        (b"\x09\x80\x00\x00\x00\x00", websocket.PROTOCOL_ERROR),  # a ping in parts
        (b"\x89\xfe\x00\x80\x00\x00\x00\x00", websocket.PROTOCOL_ERROR),  # a ping too long
        (b"\x81\xfe\x04\x01", websocket.TOO_BIG),
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", websocket.TOO_BIG),
    ],
)
def test_what_breaks_the_protocol_is_refused(data: bytes, code: int) -> None:
    """Before any more of it is waited for."""
    with pytest.raises(Violation) as caught:
        websocket.read(data, 0, 1024)
    assert caught.value.code == code


@given(st.binary(max_size=40))
def test_anything_is_read_or_refused(data: bytes) -> None:
    """No other error, and no frame beyond the end."""
    try:
        frame = websocket.read(data, 0, 1024)
    except Violation:
        return
    assert frame is None or frame.end <= len(data)

"""Events as other systems read them: CloudEvents 1.0, binary mode."""

from datetime import datetime, timedelta, timezone

from mesh.events.bus import Event
from mesh.events.envelope import to_event
from mesh.events.outbox import OutboxRow


def row(correlation_id: str) -> OutboxRow:
    return OutboxRow(
        id=9,
        topic="chat.user.events",
        type="user.registered",
        key="u1",
        event_id="u1:1",
        time=datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=2))),
        traceparent="",
        correlation_id=correlation_id,
        data=b"\x00\xff",
    )


def test_all_attributes() -> None:
    """The headers carry every attribute, the time in UTC; the value is the data untouched."""
    assert to_event(row("c-1"), "/chat/user", "00-a-b-01") == Event(
        topic="chat.user.events",
        key="u1",
        headers={
            "ce_id": "u1:1",
            "ce_source": "/chat/user",
            "ce_specversion": "1.0",
            "ce_type": "user.registered",
            "ce_subject": "u1",
            "ce_time": "2026-03-01T10:00:00.000005Z",
            "content-type": "application/protobuf",
            "traceparent": "00-a-b-01",
            "correlationid": "c-1",
        },
        value=b"\x00\xff",
    )


def test_unknown_context_is_left_out() -> None:
    """Without trace or request the headers are absent, not empty."""
    headers = to_event(row(""), "/chat/user", "").headers
    assert "traceparent" not in headers
    assert "correlationid" not in headers

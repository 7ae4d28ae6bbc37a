"""Moments in requests, and as they are told in JSON."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from mesh.errors import Invalid, Violation


def moment_text(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds: `2026-01-02T03:04:05.000006Z`. `at` is aware."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_moment(moment: Timestamp, field: str) -> datetime:
    """Raises Invalid (INVALID_REQUEST) for what is in no calendar: a message by gRPC can hold any number."""
    try:
        return moment.ToDatetime(UTC)
    except (ValueError, OverflowError):
        detail = "This is not a moment between the years 1 and 9999."
        raise Invalid(
            "INVALID_REQUEST", f"{field}: {detail}", violations=[Violation(field, "timestamp.range", detail)]
        ) from None

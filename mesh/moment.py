"""Moments in requests."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from mesh.errors import Invalid, Violation


def read_moment(moment: Timestamp, field: str) -> datetime:
    """Raises Invalid (INVALID_REQUEST) for what is in no calendar: a message by gRPC can hold any number."""
    try:
        return moment.ToDatetime(UTC)
    except (ValueError, OverflowError):
        detail = "This is not a moment between the years 1 and 9999."
        raise Invalid(
            "INVALID_REQUEST", f"{field}: {detail}", violations=[Violation(field, "timestamp.range", detail)]
        ) from None

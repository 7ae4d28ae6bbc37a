"""Timestamp, Duration and FieldMask as JSON strings, both ways."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from facade.translate.scalars import MismatchError

_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799
_LONGEST_S = 315_576_000_000
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s", re.ASCII)
_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


def timestamp_text(value: Timestamp) -> str:
    """RFC 3339 in UTC with microseconds: `2026-01-02T03:04:05.000006Z`."""
    return f"{_second_text(value.seconds)}.{value.nanos // 1000:06d}Z"


@lru_cache(maxsize=1024)
def _second_text(seconds: int) -> str:
    """The part that many timestamps of the same second share."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def duration_text(value: Duration) -> str:
    """Seconds with as many decimals as needed: `3.5s`."""
    nanos = value.seconds * 1_000_000_000 + value.nanos
    whole, fraction = divmod(abs(nanos), 1_000_000_000)
    text = f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")
    return f"{'-' if nanos < 0 else ''}{text}s"


def field_mask_text(value: FieldMask) -> str:
    """The paths with commas between: `name,topic`."""
    return ",".join(value.paths)


def parse_timestamp(value: object) -> Timestamp:
    """Raises MismatchError unless `value` is RFC 3339 text."""
    match = _TIMESTAMP.fullmatch(value.upper()) if isinstance(value, str) else None
    if match is None:
        raise MismatchError("type.timestamp", "Must be a time such as `2026-01-02T03:04:05Z`.")
    moment, fraction, zone = match.groups("")
    try:
        since = datetime.fromisoformat(moment + zone.replace("Z", "+00:00")) - _EPOCH_UTC
    except ValueError:
        raise MismatchError("timestamp.range", "There is no such time.") from None
    seconds = since.days * 86_400 + since.seconds
    if not _EARLIEST <= seconds <= _LATEST:
        raise MismatchError("timestamp.range", "Must lie in the years 1 to 9999.")
    return Timestamp(seconds=seconds, nanos=int(fraction.ljust(9, "0")))


def parse_duration(value: object) -> Duration:
    """Raises MismatchError unless `value` is text such as `3.5s`."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise MismatchError("type.duration", "Must be seconds such as `3.5s`.")
    sign, whole, fraction = match.groups("")
    seconds, nanos, factor = int(whole), int(fraction.ljust(9, "0")), -1 if sign else 1
    if seconds + (nanos > 0) > _LONGEST_S:
        raise MismatchError("duration.range", f"Must not exceed {_LONGEST_S} seconds.")
    return Duration(seconds=factor * seconds, nanos=factor * nanos)


def parse_field_mask(value: object) -> FieldMask:
    """Raises MismatchError unless `value` is a list of field names with commas between."""
    if not isinstance(value, str) or any(not _PATH.fullmatch(path) for path in value.split(",") if value):
        raise MismatchError("type.field_mask", "Must be field names with commas between.")
    return FieldMask(paths=value.split(",") if value else [])

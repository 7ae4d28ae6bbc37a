"""From a row of an outbox to an event of the bus."""

from mesh.events.bus import Event
from mesh.events.outbox import OutboxRow
from mesh.moment import moment_text

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/protobuf"


def to_event(row: OutboxRow, source: str, traceparent: str) -> Event:
    """The event that tells of `row`. `traceparent` names the span that publishes it, or is empty."""
    headers = {
        "ce_id": row.event_id,
        "ce_source": source,
        "ce_specversion": SPEC_VERSION,
        "ce_type": row.type,
        "ce_subject": row.key,
        "ce_time": moment_text(row.time),
        "content-type": CONTENT_TYPE,
    }
    if traceparent:
        headers["traceparent"] = traceparent
    if row.correlation_id:
        headers["correlationid"] = row.correlation_id
    return Event(topic=row.topic, key=row.key, headers=headers, value=row.data)

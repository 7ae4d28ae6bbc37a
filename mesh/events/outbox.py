"""The port through which the relay reads the events that a service committed together with their effects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A committed event. `id` is what the outbox knows the row by; `event_id` is the same at each delivery.

    `time` is aware and in UTC. `data` is the serialized message of `chat.event.v1` that carries `topic` and `type`.
    """

    id: Any
    topic: str
    type: str
    key: str
    event_id: str
    time: datetime
    traceparent: str
    correlation_id: str
    data: bytes


class Outbox(Protocol):
    """The events of one service."""

    async def unpublished(self, limit: int) -> list[OutboxRow]:
        """Up to `limit` rows that are not marked, oldest first: in the order of commits for each key."""
        ...

    async def mark_published(self, ids: Sequence[Any]) -> None:
        """Keeps the rows from coming again. Marking one twice, or one that is gone, does nothing."""
        ...

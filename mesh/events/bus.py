"""The bus as its users see it. What it promises stands here; the adapters say how they keep it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

DEAD_LETTERS = ".dlt"
"""What a topic's name and this make the topic of its dead letters."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event in CloudEvents 1.0 binary mode: `value` is the serialized message, `headers` are the attributes.

    ce_id            the same at each delivery, to recognise repeats
    ce_source        who published it, such as `/chat/message`
    ce_specversion   1.0
    ce_type          such as `message.persisted`
    ce_subject       the id of the aggregate, as `key`
    ce_time          ISO 8601, UTC
    content-type     application/protobuf
    traceparent      the span that published it, if there is one
    correlationid    the request that caused it, if it is known
    """

    topic: str
    key: str
    headers: Mapping[str, str]
    value: bytes


Handler = Callable[[Event], Awaitable[None]]
"""Handles one event. It must bear repeats. What it raises makes the event come again, then a dead letter."""


class Bus(Protocol):
    """Brings each event of a topic to each group of consumers, at least once, in the order of publishing for each key.

    An event whose handler fails is tried again after a pause. After the last try it becomes a dead letter: an event of
    `<topic>.dlt` with the same key, value and headers, and `dlt-group`, `dlt-reason` and `dlt-attempts` beside them.
    Then the group goes on with the next one. A handler runs in a CONSUMER span below the span that published the event,
    with its correlation id bound.
    """

    async def publish(self, events: Sequence[Event]) -> None:
        """Returns once every event is accepted for good. When it raises, some may be: publish all of them again."""
        ...

    def is_heard(self, topics: Collection[str]) -> bool:
        """Whether there may be a group that consumes one of `topics`: what none does need not be published."""
        ...

    def consume(self, group: str, topics: Collection[str], handler: Handler) -> AbstractAsyncContextManager[None]:
        """Hands the events of `topics` to `handler`, one at a time for each key, while the context is open.

        What a known group misses while nobody consumes for it comes when somebody does. Leaving the context waits for
        the event being handled.
        """
        ...

"""What every bus promises to publishers and consumers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from mesh.call.context import current
from mesh.events.bus import Event
from mesh.events.envelope import to_event
from mesh.events.outbox import OutboxRow
from mesh.events.relay import OutboxRelay
from mesh.telemetry import tracing
from mesh.telemetry.ring import TraceRing
from mesh.telemetry.tracing import Tracing, configure_tracing
from tests.contract.events.conftest import Rig

TOPIC = "chat.message.events"
SOURCE = "/chat/message"
TIMEOUT_S = 10


def row(number: int, key: str = "c1", *, traceparent: str = "", correlation_id: str = "") -> OutboxRow:
    return OutboxRow(
        id=number,
        topic=TOPIC,
        type="message.persisted",
        key=key,
        event_id=f"{key}:{number}",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        traceparent=traceparent,
        correlation_id=correlation_id,
        data=bytes([number]),
    )


def event(number: int, key: str = "c1") -> Event:
    return to_event(row(number, key), SOURCE, "")


class Outbox:
    """Rows in memory, which outlive a relay as a table outlives a process."""

    def __init__(self, rows: Sequence[OutboxRow]) -> None:
        self.rows = list(rows)
        self.marking = asyncio.Event()
        self.may_mark = asyncio.Event()

    async def unpublished(self, limit: int) -> list[OutboxRow]:
        return self.rows[:limit]

    async def mark_published(self, ids: Sequence[int]) -> None:
        self.marking.set()
        await self.may_mark.wait()
        self.rows = [row for row in self.rows if row.id not in ids]


class Consumer:
    """Collects what arrives, after `fault` had its chance to raise."""

    def __init__(self, fault: Callable[[Event], None] = lambda event: None) -> None:
        self._fault = fault
        self._queue: asyncio.Queue[Event] = asyncio.Queue()

    async def __call__(self, event: Event) -> None:
        self._fault(event)
        self._queue.put_nowait(event)

    async def take(self, count: int) -> list[Event]:
        async with asyncio.timeout(TIMEOUT_S):
            return [await self._queue.get() for _ in range(count)]


@asynccontextmanager
async def consuming(rig: Rig, consumer: Consumer, group: str = "search") -> AsyncIterator[Consumer]:
    async with rig.bus.consume(group, [TOPIC], consumer):
        yield consumer


@pytest.fixture
def recording() -> Iterator[Tracing]:
    started = configure_tracing(ring=TraceRing(), environ={})
    yield started
    started.shutdown()


async def test_event_arrives_as_it_was_published(rig: Rig) -> None:
    """Topic, key, headers and bytes arrive unchanged."""
    async with consuming(rig, Consumer()) as consumer:
        await rig.bus.publish([event(1)])
        [arrived] = await consumer.take(1)
    assert (arrived.topic, arrived.key, arrived.value) == (TOPIC, "c1", b"\x01")
    assert dict(arrived.headers) == event(1).headers


async def test_order_holds_for_each_key(rig: Rig) -> None:
    """Events of one key arrive in the order of publishing, over several calls and with other keys between."""
    batches = [[event(n, key) for n in range(start, start + 10) for key in ("a", "b")] for start in (0, 10, 20)]
    async with consuming(rig, Consumer()) as consumer:
        for batch in batches:
            await rig.bus.publish(batch)
        arrived = await consumer.take(60)
    for key in ("a", "b"):
        assert [e.value[0] for e in arrived if e.key == key] == list(range(30))


async def test_other_topics_stay_away(rig: Rig) -> None:
    """A group sees the topics that it asked for, and no others."""
    async with consuming(rig, Consumer()) as consumer:
        await rig.bus.publish([Event("chat.user.events", "u1", event(1).headers, b"x"), event(2)])
        [arrived] = await consumer.take(1)
    assert arrived.topic == TOPIC


async def test_two_groups_each_see_all(rig: Rig) -> None:
    """Groups do not share events: each gets every one."""
    async with consuming(rig, Consumer(), "search") as one, consuming(rig, Consumer(), "audit") as two:
        await rig.bus.publish([event(1), event(2)])
        assert [e.value for e in await one.take(2)] == [e.value for e in await two.take(2)] == [b"\x01", b"\x02"]


async def test_failed_event_is_tried_again_in_its_place(rig: Rig) -> None:
    """A handler that recovers gets the event again before the next one of the key; nothing is buried."""
    failures = iter([True])

    def fail_once(event: Event) -> None:
        if event.value == b"\x01" and next(failures, False):
            raise RuntimeError("not now")

    async with consuming(rig, Consumer(fail_once)) as consumer:
        await rig.bus.publish([event(1), event(2)])
        assert [e.value for e in await consumer.take(2)] == [b"\x01", b"\x02"]
    assert await rig.dead_letters() == []


async def test_poison_becomes_a_dead_letter_and_blocks_nothing(rig: Rig) -> None:
    """An event that always fails is kept with bytes, reason and number of tries; the rest goes on, elsewhere too."""

    def refuse_poison(event: Event) -> None:
        if event.value == b"\x02":
            raise ValueError("cannot read")

    async with consuming(rig, Consumer(refuse_poison), "search") as picky, consuming(rig, Consumer(), "audit") as other:
        await rig.bus.publish([event(1), event(2), event(3)])
        assert [e.value for e in await picky.take(2)] == [b"\x01", b"\x03"]
        assert len(await other.take(3)) == 3
    [letter] = await rig.dead_letters()
    assert (letter.topic, letter.key, letter.value) == (f"{TOPIC}.dlt", "c1", b"\x02")
    assert letter.headers == {
        **event(2).headers,
        "dlt-group": "search",
        "dlt-reason": "ValueError: cannot read",
        "dlt-attempts": str(rig.attempts),
    }


async def test_crash_between_publishing_and_marking_repeats(rig: Rig) -> None:
    """A process that dies before it marked its rows publishes them again at its next start, with the same ids."""
    outbox = Outbox([row(1), row(2)])
    async with consuming(rig, Consumer()) as consumer:
        async with asyncio.timeout(TIMEOUT_S):
            async with OutboxRelay(outbox, rig.bus, SOURCE, drain_s=0):
                await outbox.marking.wait()
            assert len(outbox.rows) == 2
            outbox.may_mark.set()
            async with OutboxRelay(outbox, rig.bus, SOURCE):
                arrived = await consumer.take(4)
    assert [e.headers["ce_id"] for e in arrived] == ["c1:1", "c1:2"] * 2
    assert outbox.rows == []


async def test_event_that_was_not_handled_when_the_process_died_comes_again(rig: Rig) -> None:
    """An event whose handler was cut off is delivered to the group's next consumer."""
    outbox = Outbox([row(1)])
    outbox.may_mark.set()
    started = asyncio.Event()

    async def hang(event: Event) -> None:
        started.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(TIMEOUT_S):
        async with rig.bus.consume("search", [TOPIC], hang), OutboxRelay(outbox, rig.bus, SOURCE, drain_s=0):
            await started.wait()
        async with consuming(rig, Consumer()) as consumer, OutboxRelay(outbox, rig.bus, SOURCE):
            [arrived] = await consumer.take(1)
    assert arrived.headers["ce_id"] == "c1:1"


async def test_trace_and_correlation_id_arrive(rig: Rig, recording: Tracing) -> None:
    """One trace from the request over the relay to the handler, whose logs carry the request's correlation id."""
    seen: list[str] = []

    def look(event: Event) -> None:
        seen.extend((tracing.trace_id(), current().correlation_id))

    with tracing.tracer().start_as_current_span("request"):
        outbox = Outbox([row(1, traceparent=tracing.traceparent(), correlation_id="c-7")])
        trace_id = tracing.trace_id()
    outbox.may_mark.set()
    async with consuming(rig, Consumer(look)) as consumer, OutboxRelay(outbox, rig.bus, SOURCE):
        [arrived] = await consumer.take(1)
    assert seen == [trace_id, "c-7"]
    assert arrived.headers["correlationid"] == "c-7"
    assert recording.ring is not None
    spans = {span["kind"]: span for span in recording.ring.trace(trace_id)}
    assert spans["producer"]["parent_id"] == spans["internal"]["span_id"]
    assert spans["consumer"]["parent_id"] == spans["producer"]["span_id"]
    assert arrived.headers["traceparent"].split("-")[2] == spans["producer"]["span_id"]

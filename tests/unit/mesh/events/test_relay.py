"""The relay: when it looks, in which order it publishes and marks, and how it gives up."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from mesh.errors import Unavailable
from mesh.events.backoff import Backoff
from mesh.events.bus import Event, Handler
from mesh.events.outbox import OutboxRow
from mesh.events.relay import BATCH, OutboxRelay
from mesh.telemetry.ring import TraceRing
from mesh.telemetry.tracing import configure_tracing

NEVER_S = 3600.0
NO_PAUSE = Backoff(cap_s=0)


def row(number: int) -> OutboxRow:
    return OutboxRow(number, "t", "x", "k", f"k:{number}", datetime(2026, 1, 1, tzinfo=UTC), "", "", b"")


class Outbox:
    def __init__(self, rows: Sequence[OutboxRow] = ()) -> None:
        self.rows = list(rows)
        self.looked = asyncio.Event()
        self.empty = asyncio.Event()

    async def unpublished(self, limit: int) -> list[OutboxRow]:
        self.looked.set()
        await asyncio.sleep(0)  # As a real store does, it lets others run.
        return self.rows[:limit]

    async def mark_published(self, ids: Sequence[int]) -> None:
        self.rows = [row for row in self.rows if row.id not in ids]
        if not self.rows:
            self.empty.set()


class Broker:
    """A bus of which we see only the publisher's side, and which may be away."""

    def __init__(self, refusals: int = 0) -> None:
        self.published: list[list[str]] = []
        self.refused = asyncio.Event()
        self.refusals = refusals
        self.on_publish: Callable[[], None] = lambda: None

    async def publish(self, events: Sequence[Event]) -> None:
        self.on_publish()
        if self.refusals:
            self.refusals -= 1
            self.refused.set()
            raise Unavailable("UNAVAILABLE", "The broker is away.")
        self.published.append([event.headers["ce_id"] for event in events])

    def is_heard(self, topics: Collection[str]) -> bool:
        return True

    def consume(self, group: str, topics: Collection[str], handler: Handler) -> AbstractAsyncContextManager[None]:
        raise NotImplementedError


async def test_rows_of_an_earlier_run_are_published_at_start() -> None:
    """What a crash left in the outbox needs no commit to get out."""
    outbox, broker = Outbox([row(1), row(2)]), Broker()
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", sweep_s=NEVER_S):
        await outbox.empty.wait()
    assert broker.published == [["k:1", "k:2"]]


async def test_wake_publishes_without_waiting_for_the_sweep() -> None:
    """A commit is published at once."""
    outbox, broker = Outbox(), Broker()
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", sweep_s=NEVER_S) as relay:
        await outbox.looked.wait()
        outbox.rows.append(row(1))
        relay.wake()
        await outbox.empty.wait()
    assert broker.published == [["k:1"]]


async def test_sweep_finds_what_nobody_told_of() -> None:
    """Rows that another process committed are found by the sweep."""
    outbox, broker = Outbox(), Broker()
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", sweep_s=0.001):
        await outbox.looked.wait()
        outbox.rows.append(row(1))
        await outbox.empty.wait()
    assert broker.published == [["k:1"]]


async def test_wake_during_a_batch_is_not_lost() -> None:
    """A commit that happens while a batch is on its way is published right after it."""
    outbox, broker = Outbox([row(1)]), Broker()
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", sweep_s=NEVER_S) as relay:

        def commit() -> None:
            broker.on_publish = lambda: None
            outbox.rows.append(row(2))
            relay.wake()

        broker.on_publish = commit
        await outbox.empty.wait()
    assert broker.published == [["k:1"], ["k:2"]]


async def test_long_outbox_goes_in_bounded_batches() -> None:
    """A backlog is published in order, batch after batch, without a pause between."""
    outbox, broker = Outbox([row(n) for n in range(2 * BATCH + 1)]), Broker()
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", sweep_s=NEVER_S):
        await outbox.empty.wait()
    assert [len(batch) for batch in broker.published] == [BATCH, BATCH, 1]
    assert [published for batch in broker.published for published in batch] == [f"k:{n}" for n in range(2 * BATCH + 1)]


async def test_failed_batch_is_published_again() -> None:
    """Nothing is marked before the broker took it, and the relay outlives the failures."""
    outbox, broker = Outbox([row(1)]), Broker(refusals=3)
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", sweep_s=NEVER_S, backoff=NO_PAUSE):
        await outbox.empty.wait()
    assert broker.published == [["k:1"]]


async def test_commit_does_not_cut_the_pause_short() -> None:
    """While the broker is away commits do not make the relay hammer at it."""
    outbox, broker = Outbox([row(1)]), Broker(refusals=1)
    endless = Backoff(NEVER_S, NEVER_S, uniform=lambda low, high: high)
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", backoff=endless) as relay:
        await broker.refused.wait()
        for _ in range(10):
            relay.wake()
            await asyncio.sleep(0)
        assert broker.published == []
    assert broker.published == [["k:1"]]


async def test_close_publishes_what_was_just_committed() -> None:
    """A clean stop leaves nothing behind."""
    outbox, broker = Outbox(), Broker()
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", sweep_s=NEVER_S):
        await outbox.looked.wait()
        outbox.rows.append(row(1))
    assert broker.published == [["k:1"]]


async def test_close_looks_once_more_after_the_last_commit() -> None:
    """A row that is committed while the last batch is under way at closing is published as well."""
    outbox, broker = Outbox([row(1)]), Broker()
    closing, going = asyncio.Event(), asyncio.Event()

    class SlowOutbox(Outbox):
        async def mark_published(self, ids: Sequence[int]) -> None:
            going.set()
            await closing.wait()
            await super().mark_published(ids)

    outbox = SlowOutbox([row(1)])
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", sweep_s=NEVER_S):
        await going.wait()
        outbox.rows.append(row(2))
        asyncio.get_running_loop().call_soon(closing.set)
    assert broker.published == [["k:1"], ["k:2"]]


async def test_close_gives_up_when_the_broker_is_away() -> None:
    """At closing one last failure ends it; the rows stay for the next start."""
    outbox, broker = Outbox([row(1)]), Broker(refusals=1000)
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", backoff=NO_PAUSE):
        await broker.refused.wait()
    assert [row.id for row in outbox.rows] == [1]


async def test_close_is_bounded_when_the_broker_hangs() -> None:
    """A broker that never answers does not keep the process; the task is gone and the rows stay."""

    class Hanging(Broker):
        async def publish(self, events: Sequence[Event]) -> None:
            self.refused.set()
            await asyncio.Event().wait()

    outbox, broker, before = Outbox([row(1)]), Hanging(), asyncio.all_tasks()
    async with asyncio.timeout(5), OutboxRelay(outbox, broker, "/s", drain_s=0.001):
        await broker.refused.wait()
    assert [row.id for row in outbox.rows] == [1]
    assert asyncio.all_tasks() == before


async def test_waiting_rows_are_told() -> None:
    """Whoever measures the lag hears how many rows each look found."""
    outbox = Outbox([row(1), row(2)])
    seen: list[int] = []
    async with asyncio.timeout(5), OutboxRelay(outbox, Broker(), "/s", sweep_s=NEVER_S, waiting=seen.append):
        await outbox.empty.wait()
    assert seen == [2, 0]


async def test_refused_publish_is_an_error_in_the_trace() -> None:
    """The span of a publish that failed says so; the one that succeeded does not."""
    ring = TraceRing()
    tracing = configure_tracing(ring=ring, environ={})
    try:
        outbox = Outbox([row(1)])
        async with asyncio.timeout(5), OutboxRelay(outbox, Broker(refusals=1), "/s", backoff=NO_PAUSE):
            await outbox.empty.wait()
    finally:
        tracing.shutdown()
    spans = [span for trace_id in reversed(ring.trace_ids()) for span in ring.trace(trace_id)]
    assert [(span["name"], span["status"]) for span in spans] == [("send t", "error"), ("send t", "unset")]

"""The outbox of the user service: what each row says, in which order, and for how long."""

import asyncio

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id

from chat.event.v1.user_events_pb2 import UserRegistered
from mesh.call.context import RequestContext, bind, unbind
from mesh.errors import Conflict
from mesh.events.outbox import OutboxRow
from services.user.accounts.store import AccountStore
from services.user.accounts.wire import to_user
from services.user.outbox_sql import SqlOutbox
from services.user.sessions.store import SessionStore
from tests.contract.user.samples import NOW, account, session


async def test_a_row_tells_of_the_change_and_of_the_request_it_comes_from(
    accounts: AccountStore, outbox: SqlOutbox
) -> None:
    """Topic and type of the contract, the user as key, trace and correlation id, the event itself."""
    bound = bind(RequestContext(correlation_id="tap-1"))
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("Register") as span:
        await accounts.add(account("anna"), "hash")
    unbind(bound)
    trace = span.get_span_context()
    assert await outbox.unpublished(10) == [
        OutboxRow(
            id=1,
            topic="chat.user.events",
            type="user.registered",
            key="id-of-anna",
            event_id="id-of-anna:1",
            time=NOW,
            traceparent=f"00-{format_trace_id(trace.trace_id)}-{format_span_id(trace.span_id)}-{trace.trace_flags:02x}",
            correlation_id="tap-1",
            data=UserRegistered(pos=1, user=to_user(account("anna"), NOW)).SerializeToString(),
        )
    ]


async def test_a_change_outside_of_any_request_has_no_trace(accounts: AccountStore, outbox: SqlOutbox) -> None:
    """Empty, and still an event."""
    await accounts.add(account("anna"), "hash")
    [row] = await outbox.unpublished(10)
    assert (row.traceparent, row.correlation_id) == ("", "")


async def test_rows_come_oldest_first_until_they_are_marked(accounts: AccountStore, outbox: SqlOutbox) -> None:
    """As many as asked for; marking twice, an unknown row or none does nothing."""
    for name in ("anna", "bea", "cora"):
        await accounts.add(account(name), "hash")
    rows = await outbox.unpublished(2)
    assert [row.key for row in rows] == ["id-of-anna", "id-of-bea"]
    await outbox.mark_published([rows[0].id])
    await outbox.mark_published([rows[0].id, 999])
    await outbox.mark_published([])
    assert [row.key for row in await outbox.unpublished(10)] == ["id-of-bea", "id-of-cora"]


async def test_a_change_that_fails_leaves_no_row(accounts: AccountStore, outbox: SqlOutbox) -> None:
    """Effect and event are kept together or not at all."""
    await accounts.add(account("anna"), "hash")
    with pytest.raises(Conflict):
        await accounts.add(account("anna", account_id="2"), "hash")
    assert len(await outbox.unpublished(10)) == 1


async def test_places_have_no_gap_when_much_happens_at_once(
    accounts: AccountStore, sessions: SessionStore, outbox: SqlOutbox
) -> None:
    """Thirty log-ins of two users: 1, 2, 3 ... in the log of each, in order."""
    for name in ("anna", "bea"):
        await accounts.add(account(name), "hash")
    opened = [session(f"{name}-{n}", f"id-of-{name}")[0] for n in range(15) for name in ("anna", "bea")]
    await asyncio.gather(*(sessions.add(one) for one in opened))
    rows = await outbox.unpublished(100)
    for name in ("anna", "bea"):
        event_ids = [row.event_id for row in rows if row.key == f"id-of-{name}"]
        assert event_ids == [f"id-of-{name}:{pos}" for pos in range(1, 17)]

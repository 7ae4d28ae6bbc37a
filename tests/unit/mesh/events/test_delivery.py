"""One event in one group: what surrounds the handler."""

from mesh.call.context import RequestContext, bind, current, unbind
from mesh.events.backoff import Backoff
from mesh.events.bus import Event
from mesh.events.delivery import MAX_REASON, Delivery, Retry
from mesh.telemetry.ring import TraceRing
from mesh.telemetry.tracing import configure_tracing

EVENT = Event("t", "k", {"correlationid": "of-event", "ce_id": "k:1"}, b"")


async def test_request_of_the_event_is_bound_only_while_it_is_handled() -> None:
    """The handler sees the event's correlation id and no caller; afterwards everything is as it was."""
    seen: list[RequestContext] = []

    async def see(event: Event) -> None:
        seen.append(current())

    outer = RequestContext(correlation_id="outer", token="t")
    bound = bind(outer)
    try:
        await Delivery("g", see, see, Retry())(EVENT)
        assert current() is outer
    finally:
        unbind(bound)
    assert seen == [RequestContext(correlation_id="of-event")]


async def test_given_up_event_is_an_error_in_the_trace() -> None:
    """The span of an event that became a dead letter says so, with the group."""
    letters: list[Event] = []

    async def refuse(event: Event) -> None:
        raise ValueError("x" * 2 * MAX_REASON)

    async def keep(letter: Event) -> None:
        letters.append(letter)

    ring = TraceRing()
    tracing = configure_tracing(ring=ring, environ={})
    try:
        await Delivery("g", refuse, keep, Retry(attempts=2, backoff=Backoff(cap_s=0)))(EVENT)
    finally:
        tracing.shutdown()
    [span] = ring.trace(ring.trace_ids()[0])
    assert (span["status"], span["attributes"]["messaging.consumer.group.name"]) == ("error", "g")
    assert len(letters[0].headers["dlt-reason"]) == MAX_REASON

"""What only the local bus does: it makes the publisher wait, and refuses what it could not keep."""

import asyncio

import pytest

from mesh.errors import Unavailable
from mesh.events.backoff import Backoff
from mesh.events.bus import Event
from mesh.events.bus_local import LocalBus
from mesh.events.delivery import Retry

TOPIC = "t"


def event(value: bytes = b"1") -> Event:
    return Event(TOPIC, "k", {}, value)


async def keep_nothing(letter: Event) -> None:
    raise OSError("disk full")


async def ignore(event: Event) -> None:
    pass


async def test_publish_returns_when_every_group_is_done() -> None:
    """The publisher may mark its rows afterwards: no group has any of them still before it."""
    bus = LocalBus(keep_nothing)
    go, begun, done = asyncio.Event(), asyncio.Event(), []

    async def slow(event: Event) -> None:
        begun.set()
        await go.wait()
        done.append(event)

    async with asyncio.timeout(5), bus.consume("slow", [TOPIC], slow), bus.consume("fast", [TOPIC], ignore):
        publishing = asyncio.create_task(bus.publish([event()]))
        await begun.wait()
        assert not publishing.done()
        go.set()
        await publishing
        assert done == [event()]


async def test_publish_without_any_group() -> None:
    """Where nobody consumes, there is nothing to wait for."""
    await LocalBus(keep_nothing).publish([event()])


async def test_what_is_heard() -> None:
    """Topics that a group has asked for, even while it is away; and all of them until an expected group has come."""
    bus = LocalBus(keep_nothing, expected=["g"])
    assert bus.is_heard([TOPIC])
    async with bus.consume("g", [TOPIC], ignore):
        assert bus.is_heard(["other", TOPIC])
        assert not bus.is_heard(["other"])
    assert bus.is_heard([TOPIC])
    assert not LocalBus(keep_nothing).is_heard([TOPIC])


async def test_expected_group_is_waited_for() -> None:
    """What is published while a process starts is not lost to who has not begun to consume."""
    bus, seen = LocalBus(keep_nothing, expected=["g"]), []

    async def see(event: Event) -> None:
        seen.append(event)

    async with asyncio.timeout(5):
        publishing = asyncio.create_task(bus.publish([event()]))
        await asyncio.sleep(0)
        assert not publishing.done()
        async with bus.consume("g", [TOPIC], see):
            await publishing
    assert seen == [event()]


async def test_away_group_is_waited_for() -> None:
    """A group that left gets what comes meanwhile later: publishing fails until somebody consumes for it again."""
    bus, seen = LocalBus(keep_nothing), []

    async def see(event: Event) -> None:
        seen.append(event)

    async with bus.consume("g", [TOPIC], see):
        pass
    with pytest.raises(Unavailable):
        await bus.publish([event()])
    await bus.publish([Event("other", "k", {}, b"")])
    async with bus.consume("g", [TOPIC], see):
        await bus.publish([event()])
    assert seen == [event()]


async def test_group_has_one_consumer() -> None:
    """Two consumers of a group in one process are a mistake in the wiring."""
    bus = LocalBus(keep_nothing)
    async with bus.consume("g", [TOPIC], ignore):
        with pytest.raises(ValueError, match="consumed already"):
            async with bus.consume("g", [TOPIC], ignore):
                pass
        await bus.publish([event()])


async def test_leaving_waits_for_the_event_in_hand() -> None:
    """What a handler uses may be closed after the context is left."""
    bus, begun, go, order = LocalBus(keep_nothing), asyncio.Event(), asyncio.Event(), []

    async def slow(event: Event) -> None:
        begun.set()
        await go.wait()
        order.append("handled")

    async with asyncio.timeout(5):
        async with bus.consume("g", [TOPIC], slow):
            publishing = asyncio.create_task(bus.publish([event()]))
            await begun.wait()
            asyncio.get_running_loop().call_soon(go.set)
        order.append("left")
        await publishing
    assert order == ["handled", "left"]


async def test_dead_letter_that_cannot_be_kept_is_not_accepted() -> None:
    """When the dead letter is not on disk, publishing fails and the outbox keeps the row."""

    async def refuse(event: Event) -> None:
        raise ValueError("no")

    bus = LocalBus(keep_nothing, Retry(attempts=1))
    async with bus.consume("g", [TOPIC], refuse):
        with pytest.raises(OSError, match="disk full"):
            await bus.publish([event()])


async def test_failure_in_one_group_waits_for_the_others() -> None:
    """When publishing fails no handler is still at work: the next try does not run beside it."""
    bus, go, done = LocalBus(keep_nothing, Retry(attempts=1)), asyncio.Event(), []

    async def refuse(event: Event) -> None:
        asyncio.get_running_loop().call_later(0.001, go.set)
        raise ValueError("no")

    async def slow(event: Event) -> None:
        await go.wait()
        done.append(event)

    async with asyncio.timeout(5), bus.consume("broken", [TOPIC], refuse), bus.consume("slow", [TOPIC], slow):
        with pytest.raises(OSError, match="disk full"):
            await bus.publish([event()])
        assert done == [event()]


async def test_pauses_between_tries_grow() -> None:
    """Tries are spaced by the backoff, with no pause after the last one."""
    pauses: list[float] = []
    letters: list[Event] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def refuse(event: Event) -> None:
        raise ValueError("no")

    async def keep(letter: Event) -> None:
        letters.append(letter)

    retry = Retry(attempts=4, backoff=Backoff(base_s=1, uniform=lambda low, high: high), sleep=sleep)
    bus = LocalBus(keep, retry)
    async with bus.consume("g", [TOPIC], refuse):
        await bus.publish([event()])
    assert pauses == [1, 2, 4]
    assert [letter.headers["dlt-attempts"] for letter in letters] == ["4"]


async def test_cancelled_publisher_gives_the_turn_back() -> None:
    """Cancelling a publisher ends its delivery, and the next one is served."""
    bus, begun, seen = LocalBus(keep_nothing), asyncio.Event(), []

    async def hang_first(event: Event) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        seen.append(event.value)

    async with asyncio.timeout(5), bus.consume("g", [TOPIC], hang_first):
        publishing = asyncio.create_task(bus.publish([event(b"1")]))
        await begun.wait()
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        await bus.publish([event(b"2")])
    assert seen == [b"2"]

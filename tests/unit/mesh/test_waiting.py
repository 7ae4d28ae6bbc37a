"""Waiting for an event."""

import asyncio

import pytest

from mesh.waiting import wait


async def test_the_event_ends_the_wait() -> None:
    """However long it could have been."""
    event = asyncio.Event()
    waiting = asyncio.create_task(wait(event, 60))
    await asyncio.sleep(0)
    event.set()
    assert await waiting is True


async def test_so_does_the_time() -> None:
    """Without an error."""
    assert await wait(asyncio.Event(), 0) is False


@pytest.mark.parametrize("turns", range(4))
async def test_a_cancellation_near_the_event_is_not_lost(turns: int) -> None:
    """So many turns of the loop after it. Who cancels and then waits for the end would wait for ever."""
    event = asyncio.Event()

    async def look_again_and_again() -> None:
        while True:
            event.clear()
            await wait(event, 60)

    looking = asyncio.create_task(look_again_and_again())
    await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    looking.cancel()
    await asyncio.wait({looking}, timeout=5)
    assert looking.cancelled()


async def test_a_cancellation_is_no_lapse_of_time() -> None:
    """It goes to who waits."""
    waiting = asyncio.create_task(wait(asyncio.Event(), 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

"""Waiting for an event, but not for ever."""

import asyncio


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Returns when the event is set or the time is over; whether it is set.

    Not `asyncio.wait_for`: before Python 3.12 that loses a cancellation which comes at the moment of the event, and who
    waits for the cancelled task then waits for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()

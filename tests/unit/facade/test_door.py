"""Who may come in."""

import asyncio

import pytest

from facade.door import AT_ONCE, MAX_OPENING, Door
from mesh.errors import Unavailable


def test_nobody_comes_in_while_the_server_goes_away() -> None:
    """However few there are."""
    door = Door(lambda: 0)
    door.check()
    door.shut()
    with pytest.raises(Unavailable) as caught:
        door.check()
    assert caught.value.reason == "DRAINING"


def test_when_too_many_wait_the_others_come_again() -> None:
    """Not all at the same time."""
    opening = MAX_OPENING - 1
    door = Door(lambda: opening)
    door.check()
    opening += 1
    waits = set()
    for _ in range(100):
        with pytest.raises(Unavailable) as caught:
            door.check()
        assert caught.value.reason == "OVERLOADED"
        waits.add(caught.value.retry_after_s)
    assert len(waits) > 1
    assert all(wait is not None and 1 <= wait <= 5 for wait in waits)


async def test_so_many_are_let_in_at_a_time() -> None:
    """The others in their turn."""
    door, inside, go_on = Door(lambda: 0), set[int](), asyncio.Event()

    async def enter(number: int) -> None:
        async with door.turn():
            inside.add(number)
            await go_on.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE + 5):
            group.create_task(enter(number))
        while len(inside) < AT_ONCE:
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert inside == set(range(AT_ONCE))
        go_on.set()
    assert len(inside) == AT_ONCE + 5

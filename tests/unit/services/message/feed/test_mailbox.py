"""The queue towards one stream."""

import asyncio

import pytest

from mesh.errors import Exhausted, Unavailable
from services.message.feed.mailbox import Mailbox


async def test_items_come_in_order_and_as_many_as_fit() -> None:
    """At least one, then up to the bytes asked for."""
    box: Mailbox[str] = Mailbox(10, 1000)
    for item, size in (("a", 50), ("b", 10), ("c", 10), ("d", 50)):
        box.put(item, size)
    assert await box.take(20) == ["a"]
    assert await box.take(20) == ["b", "c"]
    assert await box.take(100) == ["d"]


async def test_taking_waits_for_an_item() -> None:
    """A reader sleeps until there is something."""
    box: Mailbox[str] = Mailbox(10, 1000)
    reader = asyncio.create_task(box.take(100))
    await asyncio.sleep(0)
    assert not reader.done()
    box.put("a", 1)
    assert await asyncio.wait_for(reader, 1) == ["a"]


async def test_what_was_taken_makes_room() -> None:
    """The bounds are on what waits, not on what passed."""
    box: Mailbox[int] = Mailbox(2, 10)
    for i in range(10):
        box.put(i, 10)
        assert await box.take(10) == [i]
    assert box.is_open


@pytest.mark.parametrize("size", [1, 6])
async def test_an_overflow_ends_the_reader(size: int) -> None:
    """Too many items or too many bytes: what was there is lost, and the reader told so."""
    box: Mailbox[int] = Mailbox(2, 10)
    for i in range(3):
        box.put(i, size)
    assert not box.is_open
    with pytest.raises(Exhausted) as caught:
        await box.take(100)
    assert caught.value.reason == "SLOW_CONSUMER"


@pytest.mark.parametrize("closed", [False, True])
async def test_a_cut_box_gives_nothing_more(closed: bool) -> None:
    """Whatever is there, and whatever it was closed with before."""
    box: Mailbox[str] = Mailbox(10, 100)
    box.put("a", 1)
    if closed:
        box.close()
    box.cut(Unavailable("UNAVAILABLE", "cut"))
    box.put("b", 1)
    with pytest.raises(Unavailable):
        await box.take(100)


async def test_a_closed_box_gives_what_it_has_and_then_ends() -> None:
    """Nothing is added after the close."""
    box: Mailbox[str] = Mailbox(10, 100)
    box.put("a", 1)
    box.close()
    box.put("b", 1)
    assert await box.take(100) == ["a"]
    assert await box.take(100) == []


async def test_a_box_ends_with_the_first_error_it_was_closed_with() -> None:
    """A second close changes nothing."""
    box: Mailbox[str] = Mailbox(10, 100)
    reader = asyncio.create_task(box.take(100))
    await asyncio.sleep(0)
    box.close(Unavailable("DRAINING", "Bye."))
    box.close()
    with pytest.raises(Unavailable):
        await reader


async def test_a_box_can_be_emptied() -> None:
    """By a reader who knows what was in it; there is room again."""
    box: Mailbox[str] = Mailbox(2, 10)
    box.put("a", 5)
    box.put("b", 5)
    box.empty()
    box.put("c", 10)
    assert await box.take(100) == ["c"]

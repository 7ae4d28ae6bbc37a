"""The bounded pipe."""

import asyncio

from mesh.call.pipe import LIMIT, Pipe


async def test_items_come_out_in_order_until_the_end() -> None:
    """What was put before the end is still read after it."""
    pipe = Pipe[int]()
    for number in range(3):
        assert await pipe.put(number)
    pipe.finish()
    assert [await pipe.get() for _ in range(4)] == [0, 1, 2, None]


async def test_a_full_pipe_holds_the_writer() -> None:
    """The writer waits for the reader."""
    pipe = Pipe[int]()
    for number in range(LIMIT):
        await pipe.put(number)
    writer = asyncio.create_task(pipe.put(LIMIT))
    await asyncio.sleep(0)
    assert not writer.done()
    assert await pipe.get() == 0
    assert await writer


async def test_an_empty_pipe_holds_the_reader() -> None:
    """The reader waits for the writer."""
    pipe = Pipe[int]()
    reader = asyncio.create_task(pipe.get())
    await asyncio.sleep(0)
    assert not reader.done()
    await pipe.put(1)
    assert await reader == 1


async def test_closing_releases_both() -> None:
    """A closed pipe takes nothing more and ends for the reader."""
    pipe = Pipe[int]()
    reader = asyncio.create_task(pipe.get())
    await asyncio.sleep(0)
    pipe.close()
    assert await reader is None
    assert not await pipe.put(1)


async def test_closing_releases_a_waiting_writer() -> None:
    """Who waits for room learns that there will be none."""
    pipe = Pipe[int]()
    for number in range(LIMIT):
        await pipe.put(number)
    writer = asyncio.create_task(pipe.put(LIMIT))
    await asyncio.sleep(0)
    pipe.close()
    assert not await writer

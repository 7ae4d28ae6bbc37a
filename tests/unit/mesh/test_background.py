"""Work beside something."""

import asyncio

import pytest

from mesh.background import background


async def test_it_runs_beside_and_ends_with_the_block() -> None:
    """Its own end is waited for."""
    steps = []
    started = asyncio.Event()

    async def work() -> None:
        steps.append("begun")
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("ended")

    async with background(work(), "work"):
        await started.wait()
    assert steps == ["begun", "ended"]


async def test_what_it_failed_with_is_not_lost() -> None:
    """It is raised where the block ends."""

    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        async with background(work(), "work"):
            await asyncio.sleep(0)

"""The seeded users of development."""

import asyncio
import re
from pathlib import Path
from uuid import uuid4

from mesh.settings import Settings
from services.user.seed import seed, seed_password
from tests.integration.user.world import World


async def run(world: World, settings: Settings) -> None:
    await seed(settings, world.store, world.passwords, clock=lambda: world.now, ids=lambda: str(uuid4()))


async def test_seeding_again_hashes_nothing_and_makes_nobody(world: World, tmp_path: Path) -> None:
    """Later starts are free."""
    settings = Settings(data=tmp_path)
    await run(world, settings)
    alice = await world.store.credentials("default", "alice")
    assert world.hasher.computed == 2
    await run(world, settings)
    assert world.hasher.computed == 2
    assert await world.store.credentials("default", "alice") == alice


async def test_only_those_that_are_missing_are_made(world: World, tmp_path: Path) -> None:
    """A start that was cut short is made good by the next; somebody's own account of that name stays."""
    settings = Settings(data=tmp_path)
    await world.register("alice", password="her own password")
    await run(world, settings)
    await world.login("alice", "her own password")
    await world.login("bob", seed_password(settings))


async def test_two_that_seed_at_once_both_go_on(world: World, tmp_path: Path) -> None:
    """Who comes second to a name leaves it to the first."""
    settings = Settings(data=tmp_path)
    password = seed_password(settings)
    await asyncio.gather(run(world, settings), run(world, settings))
    assert world.hasher.computed > 2
    assert (await world.login("bob", password)).user.full_name == "Bob Rivera"


def test_the_password_is_easy_to_type(tmp_path: Path) -> None:
    """Four words of four letters, the same at each reading."""
    settings = Settings(data=tmp_path)
    password = seed_password(settings)
    assert re.fullmatch(r"([a-z]{4}-){3}[a-z]{4}", password)
    assert seed_password(settings) == password

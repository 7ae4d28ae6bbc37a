"""A fresh message service for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.message.world import World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        yield world


@pytest.fixture
def anna(world: World) -> str:
    return world.users.add("anna")


@pytest.fixture
def bela(world: World) -> str:
    return world.users.add("bela")


@pytest.fixture
def cleo(world: World) -> str:
    return world.users.add("cleo")

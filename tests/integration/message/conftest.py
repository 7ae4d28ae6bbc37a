"""A fresh message service for each test, once for each kind of database that it runs on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.message.service import MIGRATIONS
from tests.contract.databases import KINDS, empty_url
from tests.integration.message.world import World, open_world


@pytest.fixture(params=KINDS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with empty_url(request.param, tmp_path, MIGRATIONS) as url:
        yield url


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    async with open_world(tmp_path, database_url) as world:
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

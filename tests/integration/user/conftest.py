"""A fresh user service for each test, once for each kind of database that it runs on."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.user.service import MIGRATIONS
from tests.contract.databases import KINDS, empty_database
from tests.integration.user.world import World


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with empty_database(request.param, tmp_path, MIGRATIONS) as database:
        with ThreadPoolExecutor(1) as pool:
            yield World(database, pool)

"""A fresh user service for each test."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mesh.database import open_database, sqlite_url
from services.user.service import MIGRATIONS
from tests.integration.user.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_database(sqlite_url(tmp_path / "user.db"), MIGRATIONS) as database:
        with ThreadPoolExecutor(1) as pool:
            yield World(database, pool)

"""A store of idempotency keys on each kind of database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.database import Database
from mesh.idempotency.store import IdempotencyStore
from mesh.idempotency.store_sql import SqlIdempotencyStore
from services.user.service import MIGRATIONS
from services.user.tables import idempotency_keys
from tests.contract.databases import KINDS, empty_database


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(request.param, tmp_path, MIGRATIONS) as database:
        yield database


@pytest.fixture
def store(database: Database) -> IdempotencyStore:
    return SqlIdempotencyStore(database, idempotency_keys)

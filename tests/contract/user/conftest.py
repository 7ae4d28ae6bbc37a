"""The stores of the user service, once for each kind of database that they run on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.database import Database
from services.user.accounts.store import AccountStore
from services.user.accounts.store_sql import SqlAccountStore
from services.user.outbox_sql import SqlOutbox
from services.user.service import MIGRATIONS
from services.user.sessions.store import SessionStore
from services.user.sessions.store_sql import SqlSessionStore
from tests.contract.databases import KINDS, empty_database


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(request.param, tmp_path, MIGRATIONS) as database:
        yield database


@pytest.fixture
def accounts(database: Database) -> AccountStore:
    return SqlAccountStore(database)


@pytest.fixture
def sessions(database: Database) -> SessionStore:
    return SqlSessionStore(database)


@pytest.fixture
def outbox(database: Database) -> SqlOutbox:
    return SqlOutbox(database)

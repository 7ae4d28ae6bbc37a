"""The stores of the user service, once for each kind of database that they run on."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.schema import CreateSchema

from mesh.database import Database, open_database, sqlite_url
from services.user.accounts.store import AccountStore
from services.user.accounts.store_sql import SqlAccountStore
from services.user.outbox_sql import SqlOutbox
from services.user.service import MIGRATIONS
from services.user.sessions.store import SessionStore
from services.user.sessions.store_sql import SqlSessionStore

POSTGRES = os.environ.get("CHAT_TEST_POSTGRES_URL", "")


@pytest.fixture(params=["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = sqlite_url(tmp_path / "user.db") if request.param == "sqlite" else await asyncio.to_thread(new_schema)
    async with open_database(url, MIGRATIONS) as database:
        yield database


def new_schema() -> str:
    """The URL of an empty schema, so that tests can run side by side in one PostgreSQL database."""
    schema = f"test_{uuid4().hex}"
    engine = create_engine(POSTGRES)
    with engine.begin() as connection:
        connection.execute(CreateSchema(schema))
    engine.dispose()
    url = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
    return url.render_as_string(hide_password=False)


@pytest.fixture
def accounts(database: Database) -> AccountStore:
    return SqlAccountStore(database)


@pytest.fixture
def sessions(database: Database) -> SessionStore:
    return SqlSessionStore(database)


@pytest.fixture
def outbox(database: Database) -> SqlOutbox:
    return SqlOutbox(database)

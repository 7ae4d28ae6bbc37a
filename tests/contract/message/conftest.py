"""The journal and the stores of the message service, once for each kind of database that they run on."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.schema import CreateSchema

from mesh.database import Database, open_database, sqlite_url
from services.message.conversations.store import ConversationStore
from services.message.conversations.store_sql import SqlConversationStore
from services.message.feed.store import FeedStore
from services.message.feed.store_sql import SqlFeedStore
from services.message.journal_sql import SqlJournal
from services.message.messages.store import MessageStore
from services.message.messages.store_sql import SqlMessageStore
from services.message.service import MIGRATIONS
from tests.contract.message.desk import Clock, Desk

POSTGRES = os.environ.get("CHAT_TEST_POSTGRES_URL", "")


@pytest.fixture(params=["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = sqlite_url(tmp_path / "message.db") if request.param == "sqlite" else await asyncio.to_thread(new_schema)
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
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(database: Database, clock: Clock) -> Desk:
    return Desk(SqlJournal(database, clock))


@pytest.fixture
def conversations(database: Database) -> ConversationStore:
    return SqlConversationStore(database)


@pytest.fixture
def messages(database: Database) -> MessageStore:
    return SqlMessageStore(database)


@pytest.fixture
def feed(database: Database) -> FeedStore:
    return SqlFeedStore(database)

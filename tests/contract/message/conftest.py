"""The journal and the stores of the message service, once for each kind of database that they run on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.audit.log import Trail, open_trail
from mesh.database import Database
from services.message.conversations.store import ConversationStore
from services.message.conversations.store_sql import SqlConversationStore
from services.message.feed.store import FeedStore
from services.message.feed.store_sql import SqlFeedStore
from services.message.journal_sql import SqlJournal
from services.message.messages.store import MessageStore
from services.message.messages.store_sql import SqlMessageStore
from services.message.service import MIGRATIONS
from services.message.tables import audit, audit_head
from tests.contract.databases import KINDS, empty_database
from tests.contract.message.desk import Clock, Desk


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(request.param, tmp_path, MIGRATIONS) as database:
        yield database


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trail() -> Trail:
    return open_trail("message", audit, audit_head, b"the secret of the installation")


@pytest.fixture
def desk(database: Database, clock: Clock, trail: Trail) -> Desk:
    return Desk(SqlJournal(database, clock, trail))


@pytest.fixture
def conversations(database: Database) -> ConversationStore:
    return SqlConversationStore(database)


@pytest.fixture
def messages(database: Database) -> MessageStore:
    return SqlMessageStore(database)


@pytest.fixture
def feed(database: Database) -> FeedStore:
    return SqlFeedStore(database)

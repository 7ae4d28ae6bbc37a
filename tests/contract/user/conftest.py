"""The stores of the user service, once for each kind of database that they run on."""

import secrets
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from mesh.audit.log import Trail, open_trail
from mesh.database import Database
from mesh.sealing import Sealer
from services.user.accounts.store import AccountStore
from services.user.accounts.store_sql import SqlAccountStore
from services.user.credentials.letters import Letters
from services.user.mail.compose import Composer
from services.user.mail.outbox_sql import SqlMailOutbox
from services.user.outbox_sql import SqlOutbox
from services.user.service import MIGRATIONS
from services.user.sessions.store import SessionStore
from services.user.sessions.store_sql import SqlSessionStore
from services.user.tables import audit, audit_head
from tests.contract.databases import KINDS, empty_database


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(request.param, tmp_path, MIGRATIONS) as database:
        yield database


@pytest.fixture
def trail() -> Trail:
    return open_trail("user", audit, audit_head, bytes(32))


@pytest.fixture
def mails(database: Database) -> SqlMailOutbox:
    return SqlMailOutbox(database, Sealer(bytes(32), "mails"))


@pytest.fixture
def letters() -> Letters:
    numbers = count(1)
    composer = Composer("https://chat.example.com", "chat@example.com")
    return Letters(composer, random=secrets.token_bytes, ids=lambda: f"mail-{next(numbers)}")


@pytest.fixture
def accounts(database: Database, trail: Trail, mails: SqlMailOutbox) -> AccountStore:
    return SqlAccountStore(database, trail, mails)


@pytest.fixture
def sessions(database: Database, trail: Trail) -> SessionStore:
    return SqlSessionStore(database, trail)


@pytest.fixture
def outbox(database: Database) -> SqlOutbox:
    return SqlOutbox(database)

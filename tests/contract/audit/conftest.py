"""An audit log on each kind of database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.audit.log import Trail, open_trail
from mesh.database import Database
from services.user.service import MIGRATIONS
from services.user.tables import audit, audit_head
from tests.contract.databases import KINDS, empty_database


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(request.param, tmp_path, MIGRATIONS) as database:
        yield database


@pytest.fixture
def trail() -> Trail:
    return open_trail("user", audit, audit_head, b"the secret of the installation")

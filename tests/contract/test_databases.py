"""Services that share a database server."""

import pytest
from sqlalchemy import text

from mesh.database import open_database
from services.message.service import MIGRATIONS as MESSAGE
from services.user.service import MIGRATIONS as USER
from tests.contract.databases import POSTGRES


@pytest.mark.skipif(not POSTGRES, reason="CHAT_TEST_POSTGRES_URL is not set")
async def test_services_may_share_a_database() -> None:
    """Each keeps its tables and its history in a schema of its own, also when both have a table of one name."""
    count = text("SELECT count(*) FROM user_changes")
    async with open_database(POSTGRES, USER) as users, open_database(POSTGRES, MESSAGE) as messages:
        for database, schema in ((users, "chat_user"), (messages, "chat_message")):
            assert await database.read(lambda c: c.execute(text("SELECT current_schema()")).scalar()) == schema
            assert await database.read(lambda c: c.execute(count).scalar()) is not None
            assert await database.read(lambda c: c.execute(text("SELECT version_num FROM alembic_version")).scalar())
    async with open_database(POSTGRES, USER):
        pass

"""The databases that SQL adapters are tried on: SQLite always, PostgreSQL where CHAT_TEST_POSTGRES_URL names one."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, make_url
from sqlalchemy.schema import CreateSchema

from mesh.database import Database, open_database, sqlite_url

POSTGRES = os.environ.get("CHAT_TEST_POSTGRES_URL", "")
KINDS = ["sqlite", "postgresql"] if POSTGRES else ["sqlite"]


@asynccontextmanager
async def empty_database(kind: str, folder: Path, migrations: Path) -> AsyncIterator[Database]:
    """A database of a kind with the schema of a service and nothing in it."""
    url = sqlite_url(folder / "test.db") if kind == "sqlite" else await asyncio.to_thread(_new_schema)
    async with open_database(url, migrations) as database:
        yield database


def _new_schema() -> str:
    """The URL of an empty schema, so that tests can run side by side in one PostgreSQL database."""
    schema = f"test_{uuid4().hex}"
    engine = create_engine(POSTGRES)
    with engine.begin() as connection:
        connection.execute(CreateSchema(schema))
    engine.dispose()
    url = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
    return url.render_as_string(hide_password=False)

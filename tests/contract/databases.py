"""The databases that SQL adapters are tried on: SQLite always, PostgreSQL where CHAT_TEST_POSTGRES_URL names one."""

import atexit
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.schema import CreateSchema, DropSchema

from mesh.database import Database, open_database, sqlite_url
from mesh.sql.engines import open_engine
from mesh.sql.migrations import migrate_to_head

POSTGRES = os.environ.get("CHAT_TEST_POSTGRES_URL", "")
_FOLDER = TemporaryDirectory()
atexit.register(_FOLDER.cleanup)
KINDS = ["sqlite", "postgresql"] if POSTGRES else ["sqlite"]


@asynccontextmanager
async def empty_database(kind: str, folder: Path, migrations: Path) -> AsyncIterator[Database]:
    """A database of a kind with the schema of a service and nothing in it."""
    async with empty_url(kind, folder, migrations) as url, open_database(url, migrations) as database:
        yield database


@asynccontextmanager
async def empty_url(kind: str, folder: Path, migrations: Path | None = None) -> AsyncIterator[str]:
    """The URL of a database of a kind with nothing in it, which is gone at the end.

    With the schema that `migrations` make, where that is quicker than making it later.
    """
    if kind == "sqlite":
        path = folder / "test.db"
        if migrations is not None:
            lay_schema(path, migrations)
        yield sqlite_url(path)
    else:
        with new_schema(POSTGRES) as url:
            yield url


def lay_schema(path: Path, migrations: Path) -> None:
    """Makes an SQLite file with the schema of a service and nothing in it, unless it is there."""
    sqlite_url(path)
    if not path.exists():
        shutil.copy(_migrated(migrations), path)


@cache
def _migrated(migrations: Path) -> Path:
    """A file with the schema that migrations make, once for each process."""
    path = Path(_FOLDER.name) / f"{migrations.parent.name}.db"
    engine = open_engine(sqlite_url(path), "")
    migrate_to_head(engine, migrations)
    engine.dispose()
    return path


@contextmanager
def new_schema(database: str) -> Iterator[str]:
    """The URL of an empty schema, so that tests can run side by side in one PostgreSQL database."""
    schema = f"test_{uuid4().hex}"
    engine = create_engine(database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(CreateSchema(schema))
    try:
        url = make_url(database).update_query_dict({"options": f"-csearch_path={schema}"})
        yield url.render_as_string(hide_password=False)
    finally:
        with engine.begin() as connection:
            connection.execute(DropSchema(schema, cascade=True))

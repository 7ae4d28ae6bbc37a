"""The schemas of all services, on each kind of database: migrations make what is used, and rows outlive them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, Engine, Integer, LargeBinary, MetaData, insert, inspect, select, text

from mesh.sql.engines import open_engine
from mesh.sql.migrations import migrate, migrate_to_head
from services.message import tables as message_tables
from services.user import tables as user_tables
from tests.contract.databases import KINDS, POSTGRES, empty_url

ROOT = Path(__file__).parents[2]
TABLES: Mapping[str, MetaData] = {"user": user_tables.metadata, "message": message_tables.metadata}
FIRST = "0001"

Rows = dict[str, list[dict[str, Any]]]


def folder(service: str) -> Path:
    return ROOT / "services" / service / "migrations"


def revisions(service: str) -> Sequence[str]:
    return sorted(path.name[:4] for path in (folder(service) / "versions").glob("[0-9]*.py"))


@pytest.fixture(params=KINDS)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    async with empty_url(request.param, tmp_path) as url:
        opened = open_engine(url, "")
        yield opened
        opened.dispose()


def reflected(engine: Engine) -> MetaData:
    """All tables that rows can be written to as they are."""
    found = MetaData()
    found.reflect(engine, only=lambda name, _: name != "alembic_version" and not _is_index_of_words(name))
    return found


def _is_index_of_words(name: str | None) -> bool:
    """The index of words is no table like the others: each kind of database has its own, and SQLite keeps one in
    several tables that are nobody's business. What it can do is tried in tests/contract/message/test_search.py.
    """
    return name is not None and (name == "search_words" or name.startswith("search_words_"))


def fill(engine: Engine) -> None:
    """One row in each table. All ids are the same, so that they refer to each other."""
    with engine.execution_options(write=True).begin() as connection:
        for table in reflected(engine).sorted_tables:
            connection.execute(insert(table), {column.name: value(column.type) for column in table.columns})


def value(kind: object) -> object:
    if isinstance(kind, Boolean):
        return False
    return 1 if isinstance(kind, Integer) else b"x" if isinstance(kind, LargeBinary) else "x"


def rows(engine: Engine, like: Rows | None = None) -> Rows:
    """All rows of all tables, or of the tables and columns of those given."""
    with engine.connect() as connection:
        return {
            table.name: [
                {name: row[name] for name in (like[table.name][0] if like else row)}
                for row in connection.execute(select(table)).mappings()
            ]
            for table in reflected(engine).sorted_tables
            if like is None or table.name in like
        }


def differences(engine: Engine, service: str) -> list[object]:
    with engine.connect() as connection:

        def include(name: str | None, kind: str, parents: object) -> bool:
            return kind != "table" or not _is_index_of_words(name)

        options = {"compare_type": False, "include_name": include}  # Moments are a type of their own on whole numbers.
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, TABLES[service]))


@pytest.mark.parametrize("service", TABLES)
def test_migrations_make_what_is_used_and_keep_what_is_there(engine: Engine, service: str) -> None:
    """From the first revision with rows up to the last, back, and up again; no table, index or constraint differs."""
    migrate(engine, folder(service), FIRST)
    fill(engine)
    before = rows(engine)
    assert all(len(found) == 1 for found in before.values())
    for _ in range(2):
        migrate_to_head(engine, folder(service))
        assert differences(engine, service) == []
        assert rows(engine, before) == before
        migrate(engine, folder(service), FIRST, back=True)
        assert rows(engine) == before


@pytest.mark.parametrize("service", TABLES)
def test_rows_of_before_belong_to_the_first_workspace(engine: Engine, service: str) -> None:
    """Whatever there was before there were several."""
    migrate(engine, folder(service), FIRST)
    fill(engine)
    migrate_to_head(engine, folder(service))
    found = {row["workspace_id"] for found in rows(engine).values() for row in found if "workspace_id" in row}
    assert found == {"default"}


def test_the_index_of_words_comes_and_goes(engine: Engine) -> None:
    """With the revision that makes it."""
    column, cast = ("rowid", ":words") if engine.dialect.name == "sqlite" else ("id", "CAST(:words AS tsvector)")
    for _ in range(2):
        migrate_to_head(engine, folder("message"))
        with engine.execution_options(write=True).begin() as connection:
            statement = text(f"INSERT INTO search_words ({column}, words) VALUES (1, {cast})")
            connection.execute(statement, {"words": "hello"})
        migrate(engine, folder("message"), "0003", back=True)
        assert not any(map(_is_index_of_words, inspect(engine).get_table_names()))


@pytest.mark.parametrize("service", TABLES)
def test_each_revision_leads_back_to_the_one_before(engine: Engine, service: str) -> None:
    """What a revision adds, its way back takes away."""
    shapes = []
    for revision in revisions(service):
        migrate(engine, folder(service), revision)
        shapes.append(shape(engine))
    for revision, expected in list(zip(revisions(service), shapes, strict=True))[-2::-1]:
        migrate(engine, folder(service), revision, back=True)
        assert shape(engine) == expected


def shape(engine: Engine) -> object:
    tables = reflected(engine).sorted_tables
    return {
        table.name: (
            {(column.name, str(column.type), column.nullable) for column in table.columns},
            {index.name for index in table.indexes},
            {str(constraint.name) for constraint in table.constraints},
        )
        for table in tables
    }


@pytest.mark.skipif(not POSTGRES, reason="CHAT_TEST_POSTGRES_URL is not set")
@pytest.mark.parametrize("service", TABLES)
async def test_processes_that_start_at_once_share_one_migration(service: str, tmp_path: Path) -> None:
    """One does it, the others wait for it."""
    program = (
        "import sys; from pathlib import Path; from mesh.sql.engines import open_engine; "
        "from mesh.sql.migrations import migrate_to_head; "
        "migrate_to_head(open_engine(sys.argv[1], ''), Path(sys.argv[2]))"
    )
    async with empty_url("postgresql", tmp_path) as url:
        arguments = ("-c", program, url, str(folder(service)))
        started = [await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT) for _ in range(3)]
        assert [await process.wait() for process in started] == [0, 0, 0]
        engine = open_engine(url, "")
        assert differences(engine, service) == []
        engine.dispose()

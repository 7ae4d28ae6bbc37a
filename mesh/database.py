"""One SQL database: units of work run as plain functions in threads, writes of SQLite in one thread of their own.

A unit of work takes a connection inside a transaction and returns plain values. Synchronous drivers cost a third of
an asynchronous one per commit, and a function that cannot await cannot hold a transaction open over the network.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.schema import CreateSchema

from mesh.errors import Unavailable

READERS = 4
_MIGRATION_LOCK = 7_301_450_911
MAX_WAITING = 1000

T = TypeVar("T")


class Database:
    """Runs units of work. Each is one transaction: committed when the function returns, rolled back when it raises."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._write_engine = engine.execution_options(write=True)
        sqlite = engine.dialect.name == "sqlite"
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sql-read")
        self._writers = ThreadPoolExecutor(1 if sqlite else READERS, thread_name_prefix="sql-write")
        self._waiting = 0
        self._listeners: list[Callable[[], None]] = []

    def on_written(self, listener: Callable[[], None]) -> None:
        """Has `listener` called in the event loop after each write, whether it changed anything or not."""
        self._listeners.append(listener)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction that only reads. Raises Unavailable (OVERLOADED) when too much waits."""
        return await self._run(self._readers, self.engine, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction that is on disk when this returns. Raises Unavailable (OVERLOADED)."""
        try:
            return await self._run(self._writers, self._write_engine, work)
        finally:
            for listener in self._listeners:
                listener()

    async def _run(self, pool: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("OVERLOADED", "The database has too much to do. Try again.", retry_after_s=1)

        def unit() -> T:
            with engine.begin() as connection:
                return work(connection)

        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, unit)
        finally:
            self._waiting -= 1

    async def forget(self) -> None:
        """Takes what was deleted or overwritten off the disk too, as far as that is ours to do."""
        if self.engine.dialect.name == "sqlite":  # What was in its log before stays there until it is written over.
            await asyncio.get_running_loop().run_in_executor(self._writers, self._truncate_log)

    def _truncate_log(self) -> None:
        connection = self.engine.raw_connection()
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()

    def close(self) -> None:
        """Waits for the units of work that run, then closes all connections."""
        self._readers.shutdown()
        self._writers.shutdown()
        self.engine.dispose()


@asynccontextmanager
async def open_database(url: str, migrations: Path) -> AsyncIterator[Database]:
    """Opens the database at an SQLAlchemy `url`, with its schema brought up to date by alembic's `migrations`.

    On PostgreSQL the tables stand in a schema named after the service, such as `chat_user`, so that services may share
    a database; a URL that sets a search path decides for itself.

    Raises InUse when it is an SQLite file that another process has open: changes made there would go unnoticed here.
    """
    engine = await asyncio.to_thread(_engine, url, f"chat_{migrations.parent.name}")
    with _alone(engine.url.database) if engine.dialect.name == "sqlite" else nullcontext():
        await asyncio.to_thread(_migrate, engine, migrations)
        database = Database(engine)
        try:
            yield database
        finally:
            await asyncio.to_thread(database.close)


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return f"sqlite:///{path}"


class InUse(OSError):
    """An SQLite file belongs to another process."""


@contextmanager
def _alone(file: str | None) -> Iterator[None]:
    with open(f"{file}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Gone with the process, however it ends.
        except BlockingIOError:
            raise InUse(
                f"{file} is in use by another process. To host a service in several, give each the URL of a "
                "PostgreSQL database (CHAT_SQL_URL, CHAT_MESSAGES_URL)."
            ) from None
        yield


def _engine(url: str, schema: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(
            _with_schema(make_url(url), schema),
            pool_size=2 * READERS,
            max_overflow=0,
            pool_timeout=1,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    # Texts of errors go to the log, and what a statement carries must not.
    engine = create_engine(url, pool_size=READERS + 1, max_overflow=0, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _with_schema(url: URL, schema: str) -> URL:
    if "options" in url.query:
        return url
    first = create_engine(url)
    with first.begin() as connection:
        connection.execute(CreateSchema(schema, if_not_exists=True))
    first.dispose()
    return url.update_query_dict({"options": f"-csearch_path={schema}"})


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # The driver begins nothing by itself: _begin_sqlite does.
    # What is deleted is overwritten: an erased user is not to be found in the file.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later can fail half-way in SQLite: writers say so at once.
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _migrate(engine: Engine, migrations: Path) -> None:
    head = max(path.name.split("_")[0] for path in (migrations / "versions").glob("[0-9]*.py"))
    with engine.connect() as connection:
        if _version(connection) == head:
            return
    migrate(engine, migrations, head)


def migrate(engine: Engine, migrations: Path, revision: str) -> None:
    """Brings the schema to `revision`, in one transaction. Processes that come at the same time wait for each other."""
    # Imported only when there is something to do: it costs a tenth of a second and 10 MB.
    from alembic import command
    from alembic.config import Config

    with _unbound(engine) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config = Config()
        config.set_main_option("script_location", str(migrations))
        config.attributes["connection"] = connection
        before = _version(connection) or ""
        (command.upgrade if before < revision else command.downgrade)(config, revision)
        if engine.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
            raise RuntimeError("a migration has left rows that refer to nothing")


@contextmanager
def _unbound(engine: Engine) -> Iterator[Connection]:
    """A connection for migrations. SQLite changes a table by making it anew, which foreign keys must not notice."""
    with engine.execution_options(write=True).connect() as connection:
        if engine.dialect.name != "sqlite":
            yield connection
            return
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            connection.rollback()
            driver.execute("PRAGMA foreign_keys=ON")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version

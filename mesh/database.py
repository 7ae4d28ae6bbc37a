"""One SQL database: units of work run as plain functions in threads, writes of SQLite in one thread of their own.

A unit of work takes a connection inside a transaction and returns plain values. Synchronous drivers cost a third of
an asynchronous one per commit, and a function that cannot await cannot hold a transaction open over the network.
"""

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mesh.errors import Unavailable
from mesh.sql.engines import READERS, WRITERS, is_sqlite, open_engine, open_replica
from mesh.sql.lanes import Lane
from mesh.sql.migrations import migrate_to_head
from mesh.sql.outages import outage
from mesh.sql.stalls import Holds

REPLICA_RETRY_S = 5.0
"""How long a replica that could not be used is left alone."""

T = TypeVar("T")
log = structlog.get_logger()


class Database:
    """Runs units of work. Each is one transaction: committed when the function returns, rolled back when it raises.

    One that lost against another transaction, or its connection, is run a second time: it must change nothing but what
    it returns. When the database cannot be used it raises Unavailable (UNAVAILABLE), when too much waits for it
    Unavailable (OVERLOADED).
    """

    def __init__(self, engine: Engine, replica: Engine | None = None) -> None:
        self.engine = engine
        self._holds = Holds()
        alone = engine.dialect.name == "sqlite"
        self._reads = Lane(engine, READERS, "sql-read", self._holds)
        writers = 1 if alone else WRITERS
        self._writes = Lane(engine.execution_options(write=True), writers, "sql-write", self._holds, keeps=alone)
        self._replica = replica
        self._stale = Lane(replica, READERS, "sql-stale", self._holds) if replica is not None else None
        self._stale_from = 0.0
        self._listeners: list[Callable[[], None]] = []

    def on_written(self, listener: Callable[[], None]) -> None:
        """Has `listener` called in the event loop after each write, whether it changed anything or not."""
        self._listeners.append(listener)

    async def read(self, work: Callable[[Connection], T], *, stale: bool = False) -> T:
        """Runs `work` in a transaction that only reads; where there is a replica, and `stale` allows it, there.

        A replica may be seconds behind. When it cannot be used it is left alone for a while.
        """
        if stale and self._stale is not None and time.monotonic() >= self._stale_from:
            try:
                return await self._stale.run(work)
            except (Unavailable, SQLAlchemyError) as error:
                log.warning("the replica is left alone", seconds=REPLICA_RETRY_S, error=str(error))
                self._stale_from = time.monotonic() + REPLICA_RETRY_S
        return await self._reads.run(work)

    async def write(self, work: Callable[[Connection], T], last: Callable[[T], object] | None = None) -> T:
        """Runs `work` in a transaction that is on disk when this returns.

        `last` is handed the result to write what is left of it, by `Prepared` statements of whose answers none is
        needed: PostgreSQL takes them and the commit in one round trip.
        """
        try:
            return await self._writes.run(work, last)
        finally:
            for listener in self._listeners:
                listener()

    async def watch(self) -> None:
        """Cuts connections whose server has gone silent, until it is cancelled."""
        if self.engine.dialect.name != "sqlite":
            await self._holds.cut_stalled()

    async def forget(self) -> None:
        """Takes what was deleted or overwritten off the disk too, as far as that is ours to do."""
        if self.engine.dialect.name == "sqlite":  # What was in its log before stays there until it is written over.
            await self._writes.call(self._truncate_log)

    def _truncate_log(self) -> None:
        connection = self.engine.raw_connection()
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()

    def close(self) -> None:
        """Waits for the units of work that run, then closes all connections."""
        for lane in (self._reads, self._writes, self._stale):
            if lane is not None:
                lane.close()
        for engine in (self.engine, self._replica):
            if engine is not None:
                engine.dispose()


@asynccontextmanager
async def open_database(url: str, migrations: Path, replica_url: str = "") -> AsyncIterator[Database]:
    """Opens the database at an SQLAlchemy `url`, with its schema brought up to date by alembic's `migrations`.

    On PostgreSQL the tables stand in a schema named after the service, such as `chat_user`, so that services may share
    a database; a URL that sets a search path decides for itself. Its replica, if there is one, serves stale reads.

    Raises InUse when it is an SQLite file that another process has open: changes made there would go unnoticed here;
    Unreachable when there is no such server, and NewerSchema when it was used by a later version.
    """
    schema = f"chat_{migrations.parent.name}"
    replica = open_replica(replica_url, schema) if replica_url else None
    with _reached(schema):
        engine = await asyncio.to_thread(open_engine, url, schema)
    with _alone(engine.url.database) if is_sqlite(url) else nullcontext():
        database = Database(engine, replica)
        watching = asyncio.create_task(database.watch(), name=f"connections of {schema}")
        try:
            with _reached(schema):
                await asyncio.to_thread(migrate_to_head, engine, migrations)
            yield database
        finally:
            await asyncio.to_thread(database.close)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return f"sqlite:///{path}"


class InUse(OSError):
    """An SQLite file belongs to another process."""


class Unreachable(OSError):
    """There is no database at a URL, or it lets nobody in."""


@contextmanager
def _reached(schema: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if outage(error) is None:
            raise
        raise Unreachable(f"the database of {schema} cannot be used: {str(error.orig).strip()}") from error


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

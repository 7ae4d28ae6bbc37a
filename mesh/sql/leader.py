"""One process of those that share a database does what is to be done once: whoever holds a lock of the database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from mesh.background import background
from mesh.database import Database

LOOK_S = 1.0
"""How often who leads makes sure of it, and who does not asks for it."""

_KEY = "hashtextextended(current_schema() || '/' || :name, 0)"
_TAKE = text(f"SELECT pg_try_advisory_lock({_KEY})")
_HELD = text("SELECT 1")

Work = Callable[[], AbstractAsyncContextManager[None]]

log = structlog.get_logger(__name__)


@asynccontextmanager
async def leading(database: Database, name: str, work: Work, *, look_s: float = LOOK_S) -> AsyncIterator[None]:
    """Keeps `work` open while this process leads under `name`, until the context is left.

    The lock belongs to a session of its own and ends with it, so another process takes over within seconds. For about
    as long two may believe to lead: what they do must bear that. An SQLite file has one process, which leads.
    """
    if database.engine.dialect.name == "sqlite":
        async with work():
            yield
        return
    engine = create_engine(database.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
    async with background(_lead(engine, name, work, look_s), f"leader of {name}"):
        yield


async def _lead(engine: Engine, name: str, work: Work, look_s: float) -> None:
    while True:
        held = await _asked(engine, name)
        if held is not None:
            try:
                await _hold(held, name, work, look_s)
            except Exception:
                log.exception("what is to be done once was not done", name=name)
            finally:
                await asyncio.to_thread(held.close)
        await asyncio.sleep(look_s)


async def _hold(held: Connection, name: str, work: Work, look_s: float) -> None:
    log.info("leads", name=name)
    async with work():
        while await asyncio.to_thread(_holds, held):
            await asyncio.sleep(look_s)
        log.warning("leads no more", name=name)


async def _asked(engine: Engine, name: str) -> Connection | None:
    """As `_taken`, in a thread; what is taken too late is given back."""
    asking = asyncio.create_task(asyncio.to_thread(_taken, engine, name))
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        if (held := await asking) is not None:
            held.close()
        raise


def _taken(engine: Engine, name: str) -> Connection | None:
    """A session that holds the lock; None when another one does, or the database cannot be used."""
    try:
        connection = engine.connect()
        try:
            if connection.execute(_TAKE, {"name": name}).scalar():
                return connection
        except SQLAlchemyError:
            connection.close()
            raise
        connection.close()
    except SQLAlchemyError as error:
        log.warning("nobody can be asked who leads", name=name, error=str(error).splitlines()[0])
    return None


def _holds(connection: Connection) -> bool:
    try:
        connection.execute(_HELD)
    except SQLAlchemyError:
        return False
    return True

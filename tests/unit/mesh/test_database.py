"""Units of work."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from mesh.database import Unreachable, open_database, sqlite_url
from mesh.errors import Unavailable
from mesh.sql import lanes
from mesh.sql.migrations import NewerSchema

MIGRATIONS = Path(__file__).parents[3] / "services/user/migrations"


async def test_what_raises_leaves_nothing(tmp_path: Path) -> None:
    """All of a unit of work, or none of it."""

    def fail(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
        raise ValueError("no")

    async with open_database(sqlite_url(tmp_path / "x.db"), MIGRATIONS) as opened:
        with pytest.raises(ValueError, match="no"):
            await opened.write(fail)
        tables = await opened.read(lambda c: c.execute(text("SELECT name FROM sqlite_master")).scalars().all())
    assert "t" not in tables


async def test_what_is_acknowledged_is_synced(tmp_path: Path) -> None:
    """WAL with a full sync at each commit."""
    async with open_database(sqlite_url(tmp_path / "x.db"), MIGRATIONS) as opened:
        found = await opened.write(
            lambda c: [c.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
        )
    assert found == ["wal", 2]


async def test_who_listens_hears_of_each_write(tmp_path: Path) -> None:
    """When it is over, well or not; reads are not told."""
    heard = 0

    def hear() -> None:
        nonlocal heard
        heard += 1

    def fail(_: Connection) -> None:
        raise ValueError("no")

    async with open_database(sqlite_url(tmp_path / "x.db"), MIGRATIONS) as opened:
        opened.on_written(hear)
        await opened.read(lambda _: None)
        assert heard == 0
        await opened.write(lambda _: None)
        assert heard == 1
        with pytest.raises(ValueError, match="no"):
            await opened.write(fail)
        assert heard == 2


async def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too much at once is refused, not kept."""
    monkeypatch.setattr(lanes, "MAX_WAITING", 0)
    async with open_database(sqlite_url(tmp_path / "x.db"), MIGRATIONS) as opened:
        with pytest.raises(Unavailable, match="OVERLOADED"):
            await opened.read(lambda _: None)


async def test_what_nobody_waits_for_counts_until_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers who give up make no room for others, and what had not begun is not begun for them."""
    monkeypatch.setattr(lanes, "MAX_WAITING", 2)
    gate, begun = threading.Event(), []

    async with open_database(sqlite_url(tmp_path / "x.db"), MIGRATIONS) as opened:
        busy = asyncio.create_task(opened.write(lambda _: gate.wait(5)))
        waiting = asyncio.create_task(opened.write(lambda _: begun.append("waiting")))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        with pytest.raises(Unavailable, match="OVERLOADED"):
            await opened.write(lambda _: begun.append("refused"))
        gate.set()
        await busy
        await opened.write(lambda _: begun.append("next"))
    assert begun == ["next"]


async def test_a_locked_file_is_an_outage(tmp_path: Path) -> None:
    """Somebody copies it, say: callers are told to try again."""
    async with open_database(sqlite_url(tmp_path / "x.db"), MIGRATIONS) as opened:
        opened.engine.dispose()
        event.listen(opened.engine, "connect", lambda driver, _: driver.execute("PRAGMA busy_timeout=1"))
        with closing(sqlite3.connect(tmp_path / "x.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable, match="UNAVAILABLE") as caught:
                await opened.write(lambda _: None)
            other.rollback()
        assert caught.value.retry_after_s
        await opened.write(lambda _: None)


async def test_a_full_disk_is_an_outage(tmp_path: Path) -> None:
    """What was to be written is not there."""
    fill = text("CREATE TABLE filling AS SELECT zeroblob(1000000) AS filled")

    def work(connection: Connection) -> None:
        connection.execute(text("PRAGMA max_page_count=1"))  # SQLite takes what it has by now.
        connection.execute(fill)

    async with open_database(sqlite_url(tmp_path / "x.db"), MIGRATIONS) as opened:
        with pytest.raises(Unavailable, match="UNAVAILABLE"):
            await opened.write(work)


async def test_faults_of_ours_are_no_outage(tmp_path: Path) -> None:
    """A statement that is wrong will be wrong again."""
    async with open_database(sqlite_url(tmp_path / "x.db"), MIGRATIONS) as opened:
        with pytest.raises(OperationalError, match="no such table"):
            await opened.read(lambda connection: connection.execute(text("SELECT * FROM nowhere")))


async def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    """A process of an older version does not take away what others use."""
    url = sqlite_url(tmp_path / "x.db")
    async with open_database(url, MIGRATIONS) as opened:
        await opened.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num='9999'")))
    with pytest.raises(NewerSchema, match="newer than this program"):
        async with open_database(url, MIGRATIONS):
            pass


async def test_a_server_that_is_not_there_is_told_at_the_start() -> None:
    """In a line for who starts the process, without the password."""
    with pytest.raises(Unreachable, match="chat_user cannot be used") as caught:
        async with open_database("postgresql+psycopg://chat:secret@127.0.0.1:1/chat", MIGRATIONS):
            pass
    assert "secret" not in str(caught.value)

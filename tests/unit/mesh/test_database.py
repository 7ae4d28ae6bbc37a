"""Units of work."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from mesh import database
from mesh.database import open_database, sqlite_url
from mesh.errors import Unavailable
from services.user.service import MIGRATIONS


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


async def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too much at once is refused, not kept."""
    monkeypatch.setattr(database, "MAX_WAITING", 0)
    async with open_database(sqlite_url(tmp_path / "x.db"), MIGRATIONS) as opened:
        with pytest.raises(Unavailable, match="OVERLOADED"):
            await opened.read(lambda _: None)

"""Schemas, brought up to date by alembic: all or nothing, and by one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

_LOCK = 7_301_450_911
_UNBOUNDED = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


class NewerSchema(OSError):
    """The database was brought up to date by a later version of this program."""


def migrate_to_head(engine: Engine, migrations: Path) -> None:
    """Brings the schema to the newest revision of `migrations`, if it is not there. Raises NewerSchema."""
    head = max(path.name.split("_")[0] for path in (migrations / "versions").glob("[0-9]*.py"))
    with engine.connect() as connection:
        if _version(connection) == head:
            return
    migrate(engine, migrations, head)


def migrate(engine: Engine, migrations: Path, revision: str, *, back: bool = False) -> None:
    """Brings the schema up to `revision`, or `back` to it, in one transaction.

    Processes that come at the same time wait for each other. Raises NewerSchema rather than go back unasked, which
    would take away what others are using.
    """
    # Imported only when there is something to do: it costs a tenth of a second and 10 MB.
    from alembic import command
    from alembic.config import Config

    with _unbound(engine) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            for name in _UNBOUNDED:  # Rows may be many, and the other process slow.
                connection.execute(text(f"SET LOCAL {name} = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = Config()
        config.set_main_option("script_location", str(migrations))
        config.attributes["connection"] = connection
        if not back and (_version(connection) or "") > revision:
            raise NewerSchema(f"The database is newer than this program, which knows it up to revision {revision}.")
        (command.downgrade if back else command.upgrade)(config, revision)
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

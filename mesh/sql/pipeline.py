"""Statements that do not wait for each other's answers: PostgreSQL takes them in one round trip."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from mesh.sql.prepared import told


@contextmanager
def pipeline(connection: Connection, *, commits: bool = False) -> Iterator[None]:
    """Within it statements are sent as they come; what they find is there when it is left, and errors by then.

    They must be `Prepared`: SQLAlchemy looks for an answer at once. With `commits` the transaction ends with the last
    of them, in the same round trip. On SQLite, which has none, each is carried out at once, and nothing is committed.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        yield
        return
    try:
        with driver.pipeline():
            yield
            if commits:
                driver.execute("COMMIT")
    except connection.dialect.loaded_dbapi.Error as error:
        raise told(error, connection, driver) from error

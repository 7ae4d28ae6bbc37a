"""Engines: from a URL to connections that never wait without end, whichever database it is."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.schema import CreateSchema

from mesh.sql.prepared import Prepared
from mesh.sql.stalls import watch

READERS = 4
WRITERS = 4
POOL_S = 1
"""How long a unit of work waits for a free connection; there is one for each thread."""
CONNECT_S = 3
STATEMENT_S = 5
LOCK_S = 3
IDLE_S = 10
"""How long a transaction may hold its locks without saying anything."""
UNACKNOWLEDGED_S = 10
"""How long what was sent may go without an acknowledgement of the network."""

_BOUNDS = f"-cstatement_timeout={STATEMENT_S}s -clock_timeout={LOCK_S}s -cidle_in_transaction_session_timeout={IDLE_S}s"
_NETWORK = {
    "connect_timeout": str(CONNECT_S),
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": str(UNACKNOWLEDGED_S * 1000),
}
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=5000",
    "foreign_keys=ON",
    "secure_delete=ON",  # What is deleted is overwritten: an erased user is not to be found in the file.
    "wal_autocheckpoint=4000",  # Pages. What is written again and again goes into the file once in four times as long.
)
_BEGIN_READ, _BEGIN_WRITE = Prepared(text("BEGIN")), Prepared(text("BEGIN IMMEDIATE"))


def open_engine(url: str, schema: str) -> Engine:
    """The engine of a service's own database. On PostgreSQL the schema is made, unless the URL sets a search path."""
    if is_sqlite(url):
        return _sqlite(url)
    bounded, search_path = _bounded(make_url(url)), "options" not in make_url(url).query
    if search_path:
        _create_schema(bounded, schema)
    return _postgresql(bounded, schema if search_path else "")


def open_replica(url: str, schema: str) -> Engine:
    """The engine of a copy that others keep up: nothing is made there."""
    if is_sqlite(url):
        raise ValueError("only a PostgreSQL database has replicas")
    return _postgresql(_bounded(make_url(url)), "" if "options" in make_url(url).query else schema)


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _postgresql(url: URL, schema: str) -> Engine:
    if schema:
        url = url.update_query_dict({"options": f"{url.query['options']} -csearch_path={schema}"})
    # Connections are tried before each use, in `watch`.
    engine = create_engine(url, pool_size=READERS + WRITERS, max_overflow=0, pool_timeout=POOL_S, hide_parameters=True)
    watch(engine)
    return engine


def _bounded(url: URL) -> URL:
    """The URL with bounds for everything that it does not bound by itself."""
    given = str(url.query.get("options", ""))  # What comes later counts.
    return url.update_query_dict({**_NETWORK, **url.query, "options": f"{_BOUNDS} {given}".strip()})


def _create_schema(url: URL, schema: str) -> None:
    first = create_engine(url, poolclass=NullPool)
    with first.begin() as connection:
        connection.execute(CreateSchema(schema, if_not_exists=True))


def _sqlite(url: str) -> Engine:
    # Texts of errors go to the log, and what a statement carries must not.
    engine = create_engine(url, pool_size=READERS + 2, max_overflow=0, pool_timeout=POOL_S, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # The driver begins nothing by itself: _begin does.
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can fail half-way in SQLite: writers say so at once.
    write = connection.get_execution_options().get("write")
    (_BEGIN_WRITE if write else _BEGIN_READ).run(connection, ({},))

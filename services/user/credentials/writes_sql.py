"""Links in SQL, inside the transaction of what they belong to."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select

from services.user.credentials.domain import Letter, Link, Purpose
from services.user.mail.outbox_sql import SqlMailOutbox
from services.user.tables import links

_COLUMNS = [links.c[name] for name in ("hash", "workspace_id", "user_id", "purpose", "bound_to", "email", "expires_at")]


def send(connection: Connection, mails: SqlMailOutbox, letter: Letter) -> None:
    """Keeps a letter; earlier ones of its purpose to the same user are void."""
    void(connection, letter.link.user_id, letter.link.purpose)
    connection.execute(insert(links).values(asdict(letter.link)))
    mails.enqueue(connection, letter.mail)


def pretend(connection: Connection, mails: SqlMailOutbox, letter: Letter) -> None:
    """Does the work of `send` and keeps nothing, for who must not learn whether there is anybody to send it to."""
    void(connection, letter.link.user_id, letter.link.purpose)
    mails.pretend(connection, letter.mail)


def void(connection: Connection, user_id: str, *purposes: Purpose) -> None:
    """Voids the links of a user: those of some purposes, or all when none is named."""
    theirs = links.c.user_id == user_id
    connection.execute(delete(links).where(theirs & links.c.purpose.in_(purposes) if purposes else theirs))


def find(connection: Connection, token: bytes, purposes: tuple[Purpose, ...], now: datetime) -> Link | None:
    """The link of a hash; None when there is none, or it has ended."""
    query = select(*_COLUMNS).where(_good(token, purposes, now))
    return _to_link(connection.execute(query).mappings().first())


def take(connection: Connection, token: bytes, purposes: tuple[Purpose, ...], now: datetime) -> Link | None:
    """The same, and it is gone by this: of several who use it at once one gets it."""
    gone = delete(links).where(_good(token, purposes, now)).returning(*_COLUMNS)
    return _to_link(connection.execute(gone).mappings().first())


def _good(token: bytes, purposes: tuple[Purpose, ...], now: datetime) -> ColumnElement[bool]:
    return (links.c.hash == token) & links.c.purpose.in_(purposes) & (links.c.expires_at > now)


def _to_link(row: RowMapping | None) -> Link | None:
    return None if row is None else Link(**{**row, "purpose": Purpose(row["purpose"])})

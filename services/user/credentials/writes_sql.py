"""Links in SQL, inside the transaction of what they belong to."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from services.user.credentials.domain import Letter, Link, Purpose
from services.user.mail.outbox_sql import SqlMailOutbox
from services.user.sessions.writes_sql import lock_user
from services.user.tables import links

_COLUMNS = [links.c[name] for name in ("hash", "workspace_id", "user_id", "purpose", "bound_to", "email", "expires_at")]


def send(connection: Connection, mails: SqlMailOutbox, letter: Letter) -> None:
    """Keeps a letter; earlier ones of its purpose to the same user are void."""
    lock_user(connection, letter.link.user_id)
    void(connection, letter.link.user_id, letter.link.purpose)
    connection.execute(insert(links).values(asdict(letter.link)))
    mails.enqueue(connection, letter.mail)


def pretend(connection: Connection, mails: SqlMailOutbox, letter: Letter) -> None:
    """Does the work of `send` and keeps nothing, for who must not learn whether there is anybody to send it to."""
    lock_user(connection, letter.link.user_id)
    void(connection, letter.link.user_id, letter.link.purpose)
    mails.pretend(connection, letter.mail)


def void(connection: Connection, user_id: str, *purposes: Purpose) -> None:
    """Voids the links of a user, whose row is locked: those of some purposes, or all when none is named."""
    theirs = links.c.user_id == user_id
    connection.execute(delete(links).where(theirs & links.c.purpose.in_(purposes) if purposes else theirs))


def find(connection: Connection, token: bytes, purposes: tuple[Purpose, ...], now: datetime) -> Link | None:
    """The link of a hash; None when there is none, or it has ended."""
    good = (links.c.hash == token) & links.c.purpose.in_(purposes) & (links.c.expires_at > now)
    row = connection.execute(select(*_COLUMNS).where(good)).mappings().first()
    return None if row is None else Link(**{**row, "purpose": Purpose(row["purpose"])})


def take(connection: Connection, token: bytes) -> bool:
    """Uses a link up: of several who do at once one gets True."""
    return bool(connection.execute(delete(links).where(links.c.hash == token)).rowcount)

"""How revocations get into their log: in the transaction that ends the session, numbered in the order of commits."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, insert, update

from services.user.revocations.domain import REMEMBERED
from services.user.tables import revocation_head, revocations

_RAISE = update(revocation_head).where(revocation_head.c.id == 1)


def revoke(connection: Connection, session_ids: Collection[str], now: datetime) -> None:
    """Appends the ids of sessions or API keys that end now. Call it late: it locks the log until the commit.

    Who reads up to a position has seen all before it, since the head's row gives positions to one transaction at a
    time.
    """
    if not session_ids:
        return
    raised = _RAISE.values(position=revocation_head.c.position + len(session_ids)).returning(revocation_head.c.position)
    last = connection.execute(raised).scalar_one()
    ids = enumerate(session_ids, last - len(session_ids) + 1)
    rows = [{"position": position, "session_id": id, "expires_at": now + REMEMBERED} for position, id in ids]
    connection.execute(insert(revocations), rows)

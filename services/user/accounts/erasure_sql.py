"""How an account is forgotten: the row stays, since messages and the audit log name its id, and says nobody."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select, update

from chat.event.v1 import user_events_pb2 as events
from services.user import outbox_sql
from services.user.accounts.domain import Account, erased
from services.user.accounts.reads_sql import to_row
from services.user.accounts.wire import to_user
from services.user.credentials.writes_sql import void
from services.user.outbox_sql import Origin
from services.user.sessions.writes_sql import end_sessions
from services.user.tables import (
    api_keys,
    blocks,
    identities,
    mails,
    recovery_codes,
    sessions,
    tickets,
    user_changes,
    users,
)

_CARRY_PROFILES: Mapping[str, type[events.UserRegistered | events.UserUpdated]] = {
    "user.registered": events.UserRegistered,
    "user.updated": events.UserUpdated,
}


def erase(connection: Connection, account: Account, now: datetime, source: Origin) -> None:
    """Forgets an account, whose row is locked."""
    here = users.c.id == account.id
    last = erased(account, now)
    values = to_row(last) | {"password_hash": "", "totp_secret": b"", "totp_step": 0}
    values |= {"version": account.version + 1, "updated_at": now}
    connection.execute(update(users).where(here).values(values))
    end_sessions(connection, account.workspace_id, account.id, now, include_keys=True)
    connection.execute(update(sessions).where(sessions.c.user_id == account.id).values(device="", address=""))
    void(connection, account.id)
    for table in (mails, recovery_codes, api_keys, identities, tickets):
        connection.execute(delete(table).where(table.c.user_id == account.id))
    connection.execute(delete(blocks).where(or_(blocks.c.user_id == account.id, blocks.c.blocked_id == account.id)))
    _rewrite_log(connection, last, now)
    outbox_sql.append(connection, account.id, outbox_sql.fact(events.UserErased, account.id), now, source)


def _rewrite_log(connection: Connection, last: Account, now: datetime) -> None:
    """Puts what is left in the place of the profiles that the user's log carries; its places stay as they are."""
    user, log = to_user(last, now), user_changes.c
    carrying = select(log.id, log.type, log.body).where(log.user_id == last.id, log.type.in_(_CARRY_PROFILES))
    for row in connection.execute(carrying).all():
        event = _CARRY_PROFILES[row.type].FromString(row.body)
        event.user.CopyFrom(user)
        change = update(user_changes).where(log.id == row.id).values(body=event.SerializeToString())
        connection.execute(change)

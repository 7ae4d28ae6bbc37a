"""How all that a user has open ends at once, inside the transaction that is the reason for it."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from services.user.revocations.writes_sql import revoke
from services.user.tables import api_keys, sessions, users


def end_sessions(
    connection: Connection,
    workspace_id: str,
    user_id: str,
    now: datetime,
    *,
    keep: str | None = None,
    include_keys: bool = False,
) -> list[str]:
    """Ends and revokes the open sessions of a user, but for `keep`; answers their ids.

    With `include_keys` also the API keys of the user and of the user's bots. Whoever ends sessions holds the lock of
    the user's row, which log-ins and refreshes wait for: none slips through.
    """
    lock_user(connection, user_id)
    here = (sessions.c.workspace_id == workspace_id) & (sessions.c.user_id == user_id)
    going_on = here & sessions.c.ended_at.is_(None) & (sessions.c.expires_at > now)
    if keep is not None:
        going_on &= sessions.c.id != keep
    ended = update(sessions).where(going_on).values(ended_at=now).returning(sessions.c.id)
    ids = list(connection.execute(ended).scalars())
    if include_keys:
        ids += _revoke_keys(connection, workspace_id, user_id, now)
    revoke(connection, ids, now)
    return ids


def lock_user(connection: Connection, user_id: str) -> bool:
    """Locks the user's row until the transaction ends; whether the user is active.

    Whatever opens, renews or ends sessions of a user takes this lock first, and so comes one at a time.
    """
    locked = select(users.c.is_active).where(users.c.id == user_id).with_for_update(key_share=True)
    return bool(connection.scalar(locked))


def _revoke_keys(connection: Connection, workspace_id: str, user_id: str, now: datetime) -> list[str]:
    theirs = select(users.c.id).where(
        users.c.workspace_id == workspace_id, (users.c.id == user_id) | (users.c.owner_id == user_id)
    )
    good = (api_keys.c.workspace_id == workspace_id) & api_keys.c.user_id.in_(theirs) & api_keys.c.revoked_at.is_(None)
    return list(
        connection.execute(update(api_keys).where(good).values(revoked_at=now).returning(api_keys.c.id)).scalars()
    )

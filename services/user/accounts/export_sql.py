"""What is exported of a user, read in one transaction."""

from datetime import datetime

from sqlalchemy import Connection, Table, or_, select

from services.user.accounts.domain import Account
from services.user.accounts.export import (
    MAX_ACTIVITIES,
    MAX_SESSIONS,
    Export,
    ExportedActivity,
    ExportedApiKey,
    ExportedIdentity,
    ExportedSession,
)
from services.user.tables import api_keys, blocks, identities, sessions


def read_export(connection: Connection, audit: Table, account: Account, now: datetime) -> Export:
    log, theirs = audit.c, sessions.c
    opened = (
        select(theirs.id, theirs.device, theirs.address, theirs.created_at, theirs.refreshed_at, theirs.ended_at)
        .where(theirs.workspace_id == account.workspace_id, theirs.user_id == account.id)
        .order_by(theirs.created_at.desc(), theirs.id.desc())
        .limit(MAX_SESSIONS)
    )
    noted = (
        select(log.at, log.action, log.result, log.address)
        .where(
            log.workspace_id == account.workspace_id,
            or_(log.actor_id == account.id, log.subject_id == account.id),
        )
        .order_by(log.seq.desc())
        .limit(MAX_ACTIVITIES)
    )
    blocked = (
        select(blocks.c.blocked_id)
        .where(blocks.c.workspace_id == account.workspace_id, blocks.c.user_id == account.id)
        .order_by(blocks.c.created_at, blocks.c.blocked_id)
    )
    keys = (
        select(*[api_keys.c[name] for name in ("id", "name", "created_at", "last_used_at", "revoked_at")])
        .where(api_keys.c.workspace_id == account.workspace_id, api_keys.c.user_id == account.id)
        .order_by(api_keys.c.created_at, api_keys.c.id)
    )
    elsewhere = (
        select(identities.c.issuer, identities.c.subject, identities.c.created_at)
        .where(identities.c.workspace_id == account.workspace_id, identities.c.user_id == account.id)
        .order_by(identities.c.created_at, identities.c.issuer, identities.c.subject)
    )
    return Export(
        account=account,
        sessions=[ExportedSession(*row) for row in reversed(connection.execute(opened).all())],
        blocked_ids=list(connection.execute(blocked).scalars()),
        activities=[ExportedActivity(*row) for row in reversed(connection.execute(noted).all())],
        api_keys=[ExportedApiKey(*row) for row in connection.execute(keys).all()],
        identities=[ExportedIdentity(*row) for row in connection.execute(elsewhere).all()],
        exported_at=now,
    )

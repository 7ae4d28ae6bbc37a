"""Accounts as the contract shows them: to everybody, and to their owner."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chat.user.v1 import account_service_pb2 as service_pb
from chat.user.v1 import user_pb2 as pb
from services.user.accounts.domain import Account, Kind, Role
from services.user.accounts.export import Export

_KINDS = {Kind.PERSON: pb.USER_KIND_PERSON, Kind.BOT: pb.USER_KIND_BOT}
_ROLES = {Role.USER: pb.USER_ROLE_USER, Role.ADMIN: pb.USER_ROLE_ADMIN}


def to_user(account: Account, now: datetime) -> pb.User:
    """What everybody may see at `now`: no mail address, no times of log-in."""
    return pb.User(
        id=account.id,
        username=account.username,
        full_name=account.full_name,
        avatar=account.avatar,
        bio=account.bio,
        role=_ROLES[account.role],
        is_active=account.is_active,
        created_at=timestamp(account.created_at),
        kind=_KINDS[account.kind],
        status=_status(account, now),
        etag=account.etag,
    )


def to_account(account: Account, now: datetime) -> pb.Account:
    """What the owner may see at `now`."""
    return pb.Account(
        id=account.id,
        username=account.username,
        email=account.email,
        full_name=account.full_name,
        avatar=account.avatar,
        bio=account.bio,
        role=_ROLES[account.role],
        is_active=account.is_active,
        is_verified=account.is_verified,
        last_login=timestamp(account.last_login) if account.last_login else None,
        created_at=timestamp(account.created_at),
        updated_at=timestamp(account.updated_at),
        kind=_KINDS[account.kind],
        status=_status(account, now),
        etag=account.etag,
        workspace_id=account.workspace_id,
        has_second_factor=account.has_second_factor,
    )


def to_role(role: "pb.UserRole.ValueType") -> Role:
    """The role that a request names."""
    return next(known for known, wire in _ROLES.items() if wire == role)


def to_export(export: Export) -> service_pb.AccountExport:
    return service_pb.AccountExport(
        account=to_account(export.account, export.exported_at),
        sessions=[
            service_pb.ExportedSession(
                id=session.id,
                device=session.device,
                address=session.address,
                created_at=timestamp(session.created_at),
                refreshed_at=timestamp(session.refreshed_at),
                ended_at=timestamp(session.ended_at) if session.ended_at else None,
            )
            for session in export.sessions
        ],
        blocked_ids=export.blocked_ids,
        activities=[
            service_pb.ExportedActivity(
                at=timestamp(activity.at), action=activity.action, result=activity.result, address=activity.address
            )
            for activity in export.activities
        ],
        api_keys=[
            service_pb.ExportedApiKey(
                id=key.id,
                name=key.name,
                created_at=timestamp(key.created_at),
                last_used_at=timestamp(key.last_used_at) if key.last_used_at else None,
                revoked_at=timestamp(key.revoked_at) if key.revoked_at else None,
            )
            for key in export.api_keys
        ],
        identities=[
            service_pb.ExportedIdentity(
                issuer=identity.issuer, subject=identity.subject, created_at=timestamp(identity.created_at)
            )
            for identity in export.identities
        ],
        exported_at=timestamp(export.exported_at),
    )


def _status(account: Account, now: datetime) -> pb.Status | None:
    """The status, while it lasts. Nothing in the store changes when it ends."""
    ends = account.status_expires_at
    if not (account.status_text or account.status_emoji) or (ends is not None and ends <= now):
        return None
    return pb.Status(text=account.status_text, emoji=account.status_emoji, expires_at=timestamp(ends) if ends else None)


def timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp

"""Accounts as the contract shows them: to everybody, and to their owner."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chat.user.v1 import user_pb2 as pb
from services.user.accounts.domain import Account, Kind, Role

_KINDS = {Kind.PERSON: pb.USER_KIND_PERSON, Kind.BOT: pb.USER_KIND_BOT}
_ROLES = {Role.USER: pb.USER_ROLE_USER, Role.ADMIN: pb.USER_ROLE_ADMIN}


def to_user(account: Account) -> pb.User:
    """What everybody may see: no mail address, no times of log-in."""
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
        status=_status(account),
        etag=account.etag,
    )


def to_account(account: Account) -> pb.Account:
    """What the owner may see."""
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
        status=_status(account),
        etag=account.etag,
        workspace_id=account.workspace_id,
        has_second_factor=account.has_second_factor,
    )


def _status(account: Account) -> pb.Status | None:
    if not account.status_text and not account.status_emoji:
        return None
    ends = timestamp(account.status_expires_at) if account.status_expires_at else None
    return pb.Status(text=account.status_text, emoji=account.status_emoji, expires_at=ends)


def timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp

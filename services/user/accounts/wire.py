"""Accounts as the contract shows them: to everybody, and to their owner."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chat.user.v1 import user_pb2 as pb
from services.user.accounts.domain import Account, Role

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
        created_at=_timestamp(account.created_at),
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
        last_login=_timestamp(account.last_login) if account.last_login else None,
        created_at=_timestamp(account.created_at),
        updated_at=_timestamp(account.updated_at),
    )


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp

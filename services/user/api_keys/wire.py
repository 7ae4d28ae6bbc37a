"""API keys as the contract shows them: never with their secret."""

from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from chat.user.v1 import api_key_service_pb2 as pb
from chat.user.v1 import user_pb2
from services.user.accounts.domain import Role
from services.user.accounts.wire import timestamp
from services.user.api_keys.domain import ApiKey
from services.user.api_keys.store import Bearer

_ROLES = {Role.USER: user_pb2.USER_ROLE_USER, Role.ADMIN: user_pb2.USER_ROLE_ADMIN}


def to_api_key(key: ApiKey) -> pb.ApiKey:
    return pb.ApiKey(
        id=key.id,
        name=key.name,
        scopes=key.scopes,
        created_at=timestamp(key.created_at),
        expires_at=timestamp(key.expires_at) if key.expires_at else None,
        last_used_at=timestamp(key.last_used_at) if key.last_used_at else None,
        created_by=key.created_by,
    )


def to_bearer(bearer: Bearer) -> pb.IntrospectKeyResponse:
    key = bearer.key
    return pb.IntrospectKeyResponse(
        id=key.id,
        user_id=key.user_id,
        workspace_id=key.workspace_id,
        role=_ROLES[bearer.role],
        scopes=key.scopes,
        expires_at=timestamp(key.expires_at) if key.expires_at else None,
    )


def moment(request: Message, expires_at: Timestamp) -> datetime | None:
    """When a new key shall end, by the field `expires_at` of a request; None when it shall not."""
    return expires_at.ToDatetime(UTC) if request.HasField("expires_at") else None

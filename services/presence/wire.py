"""Presence as the contract shows it."""

from google.protobuf.timestamp_pb2 import Timestamp

from chat.presence.v1 import presence_pb2 as pb
from chat.presence.v1 import presence_service_pb2 as service_pb
from mesh.moment import read_moment
from services.presence.domain import Custom, Lease, Presence, Status, User
from services.presence.watching import Delta


def to_presence(presence: Presence) -> pb.Presence:
    return pb.Presence(
        user_id=presence.user_id,
        state=pb.PresenceState.ValueType(presence.state),
        last_seen=_timestamp(presence.seen_ms),
        message=presence.message,
        emoji=presence.emoji,
        expires_at=_timestamp(presence.expires_ms),
        devices=presence.devices,
        status=pb.PresenceStatus.ValueType(presence.status or 0),
    )


def to_delta(delta: Delta) -> service_pb.PresenceDelta:
    return service_pb.PresenceDelta(
        workspace_id=delta.user.workspace_id,
        presence=to_presence(delta.others),
        own=to_presence(delta.own),
        came_online=delta.came_online,
    )


def to_custom(request: service_pb.SetPresenceRequest) -> Custom:
    """Raises Invalid (INVALID_REQUEST) for what is in no calendar."""
    expires_ms = 0
    if request.HasField("expires_at"):
        expires_ms = max(1, round(read_moment(request.expires_at, "expires_at").timestamp() * 1000))
    return Custom(Status(request.status or Status.AVAILABLE), request.message, request.emoji, expires_ms)


def to_lease(lease: service_pb.DeviceLease, gateway_id: str) -> Lease:
    user = User(lease.workspace_id, lease.user_id)
    return Lease(user, lease.device_id, lease.socket_id, gateway_id, lease.away)


def to_user(watched: service_pb.WatchedUser) -> User:
    return User(watched.workspace_id, watched.user_id)


def _timestamp(ms: int) -> Timestamp | None:
    if not ms:
        return None
    moment = Timestamp()
    moment.FromMilliseconds(ms)
    return moment

"""Bans as the contract shows them."""

from chat.message.v1 import ban_pb2 as pb
from chat.message.v1 import change_pb2
from services.message.bans.domain import Ban
from services.message.conversations.wire import only_id
from services.message.messages.wire import ProfileOf, timestamp


def ban_proto(ban: Ban, profile_of: ProfileOf) -> pb.Ban:
    return pb.Ban(
        conversation_id=ban.conversation_id,
        user=profile_of(ban.workspace_id, ban.user_id),
        banned_by=profile_of(ban.workspace_id, ban.banned_by),
        reason=ban.reason,
        created_at=timestamp(ban.created_at),
        until=timestamp(ban.until),
    )


def ban_body(ban: Ban) -> bytes:
    """Of member-banned and member-unbanned: without the reason, which is for admins."""
    told = ban_proto(ban, only_id)
    told.reason = ""
    return change_pb2.ChangeData(ban=told).SerializeToString()

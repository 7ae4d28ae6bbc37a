"""Messages as the contract shows them."""

from collections.abc import Callable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1 import message_pb2 as pb
from services.message.messages.domain import Message

ProfileOf = Callable[[str, str], pb.Profile]
"""The profile of a user, as far as it is known: by workspace id and user id."""


def message_proto(message: Message, profile_of: ProfileOf) -> pb.Message:
    return pb.Message(
        id=message.id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        sender=profile_of(message.workspace_id, message.sender_id),
        client_msg_id=message.client_msg_id,
        text=message.text,
        reply_to=message.reply_to,
        version=message.version,
        created_at=timestamp(message.created_at),
        edited_at=timestamp(message.edited_at),
        deleted_at=timestamp(message.deleted_at),
        deleted_by=message.deleted_by,
        metadata=message.metadata,
        etag=message.etag,
    )


def timestamp(at: datetime | None) -> Timestamp | None:
    if at is None:
        return None
    proto = Timestamp()
    proto.FromDatetime(at)
    return proto

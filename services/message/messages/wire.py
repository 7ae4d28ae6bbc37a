"""Messages as the contract shows them."""

from collections.abc import Callable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1 import message_pb2 as pb
from services.message.messages.domain import NOBODY, Mentions, Message, Reaction

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
        format=pb.MessageFormat.ValueType(message.format),
        html=message.html,
        attachments=[pb.Attachment(file_id=file_id) for file_id in message.attachments],
        mentions=_mentions(message.mentions),
        thread=_thread(message),
        reactions=[reaction_proto(reaction) for reaction in message.reactions],
        pinned_at=timestamp(message.pinned_at),
        silent=message.silent,
        undelete_until=timestamp(message.undelete_until),
    )


def reaction_proto(reaction: Reaction) -> pb.Reaction:
    return pb.Reaction(emoji=reaction.emoji, count=reaction.count, user_ids=reaction.user_ids)


def thread_proto(root: Message) -> pb.Thread:
    """The thread that hangs on a message."""
    return pb.Thread(root_id=root.id, reply_count=root.reply_count, last_seq=root.last_reply_seq)


def _thread(message: Message) -> pb.Thread | None:
    if message.thread_root:
        return pb.Thread(root_id=message.thread_root)
    return thread_proto(message) if message.last_reply_seq else None


def _mentions(mentions: Mentions) -> pb.Mentions | None:
    if mentions == NOBODY:
        return None
    return pb.Mentions(user_ids=mentions.user_ids, group_ids=mentions.group_ids, all=mentions.all, here=mentions.here)


def timestamp(at: datetime | None) -> Timestamp | None:
    if at is None:
        return None
    proto = Timestamp()
    proto.FromDatetime(at)
    return proto

"""Marks as the contract shows them."""

from chat.message.v1 import change_pb2 as pb
from chat.message.v1 import reading_service_pb2 as service_pb
from services.message.reading.domain import ThreadMark, Unread


def thread_mark_proto(mark: ThreadMark) -> pb.ThreadMark:
    return pb.ThreadMark(
        conversation_id=mark.conversation_id,
        root_id=mark.root_id,
        last_read_seq=mark.last_read_seq,
        unread_count=mark.unread_count,
    )


def thread_mark_body(mark: ThreadMark) -> bytes:
    """Of thread-read."""
    return pb.ChangeData(thread_mark=thread_mark_proto(mark)).SerializeToString()


def conversation_unread_proto(unread: Unread) -> service_pb.ConversationUnread:
    counts = pb.Unread(
        last_read_seq=unread.last_read_seq,
        unread_count=unread.counts.unread,
        mention_count=unread.counts.mentions,
    )
    return service_pb.ConversationUnread(conversation_id=unread.conversation_id, unread=counts)

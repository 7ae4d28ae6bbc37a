"""Bookmarks as the contract shows them."""

from chat.message.v1.bookmark_pb2 import Bookmark as BookmarkProto
from chat.message.v1.change_pb2 import ChangeData
from chat.message.v1.message_pb2 import Message as MessageProto
from services.message.bookmarks.domain import Bookmark
from services.message.messages.wire import ProfileOf, message_proto, timestamp


def bookmark_proto(bookmark: Bookmark, profile_of: ProfileOf) -> BookmarkProto:
    return BookmarkProto(
        message=message_proto(bookmark.message, profile_of),
        note=bookmark.note,
        created_at=timestamp(bookmark.created_at),
    )


def bookmark_body(bookmark: Bookmark, *, removed: bool = False) -> bytes:
    """Of bookmark-updated. It says which message, not what that says, which may be deleted later."""
    message = bookmark.message
    proto = BookmarkProto(
        message=MessageProto(id=message.id, conversation_id=message.conversation_id, seq=message.seq),
        note="" if removed else bookmark.note,
        created_at=timestamp(bookmark.created_at),
        removed=removed,
    )
    return ChangeData(bookmark=proto).SerializeToString()

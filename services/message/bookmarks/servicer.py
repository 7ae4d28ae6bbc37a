"""BookmarkService: writing goes to the writer, reading to the store."""

from chat.message.v1 import bookmark_service_pb2 as pb
from chat.message.v1 import bookmark_service_pb2_grpc as rpc
from chat.message.v1.bookmark_pb2 import Bookmark as BookmarkProto
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, cut, limit_of
from services.message.bookmarks.domain import Bookmark, DeleteBookmark, PutBookmark
from services.message.bookmarks.store import BookmarkStore
from services.message.bookmarks.wire import bookmark_proto
from services.message.calls import origin
from services.message.messages.wire import profile_ids
from services.message.profiles import Profiles
from services.message.writer import Writer


class BookmarkServicer(rpc.BookmarkServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(self, store: BookmarkStore, writer: Writer, profiles: Profiles, *, cursors: CursorCodec) -> None:
        self._store = store
        self._writer = writer
        self._profiles = profiles
        self._cursors = cursors

    async def PutBookmark(self, request: pb.PutBookmarkRequest, context: object) -> pb.PutBookmarkResponse:
        bookmark: Bookmark = await self._writer.submit(PutBookmark(origin(), request.message_id, request.note))
        await self._profiles.load(profile_ids(bookmark.message))
        return pb.PutBookmarkResponse(bookmark=bookmark_proto(bookmark, self._profiles.known))

    async def DeleteBookmark(self, request: pb.DeleteBookmarkRequest, context: object) -> pb.DeleteBookmarkResponse:
        await self._writer.submit(DeleteBookmark(origin(), request.message_id))
        return pb.DeleteBookmarkResponse()

    async def ListBookmarks(self, request: pb.ListBookmarksRequest, context: object) -> pb.ListBookmarksResponse:
        principal, limit = caller(), limit_of(request.limit)
        cursors = Cursors[BookmarkProto](
            self._cursors,
            f"ListBookmarks:{principal.user_id}",
            lambda bookmark: (bookmark.created_at.ToJsonString(), bookmark.message.id),
        )
        place = cursors.place(request.cursor)
        found = await self._store.page(principal, place, limit)
        await self._profiles.load({user_id for bookmark in found.items for user_id in profile_ids(bookmark.message)})
        protos = [bookmark_proto(bookmark, self._profiles.known) for bookmark in found.items]
        shown = cut(found, protos, place)
        return pb.ListBookmarksResponse(items=shown.items, page=cursors.page(shown, limit))

"""SearchService."""

from chat.message.v1 import search_service_pb2 as pb
from chat.message.v1 import search_service_pb2_grpc as rpc
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.moment import read_moment
from mesh.page import Cursors, Slice, cut
from services.message.messages.wire import message_proto, profile_ids
from services.message.profiles import Profiles
from services.message.search.domain import Question, Term, snippet, terms, text_of
from services.message.search.store import Found, SearchStore

DEFAULT_LIMIT, MAX_LIMIT = 20, 50


class SearchServicer(rpc.SearchServiceServicer):
    def __init__(self, store: SearchStore, profiles: Profiles, *, cursors: CursorCodec) -> None:
        self._store = store
        self._profiles = profiles
        self._cursors = cursors

    async def SearchMessages(self, request: pb.SearchMessagesRequest, context: object) -> pb.SearchMessagesResponse:
        question, limit = _question(request), min(request.limit or DEFAULT_LIMIT, MAX_LIMIT)
        cursors = Cursors[Found](self._cursors, _scope(request), lambda found: (found.id,))
        place = cursors.place(request.cursor)
        finds = await self._store.find(caller(), question, int(place.key[0]) if place else None, limit)
        await self._profiles.load({id_ for found in finds.items for id_ in profile_ids(found.message)})
        protos = [self._found(found, question.terms) for found in finds.items]
        shown = cut(Slice(finds.items, False, finds.has_next), protos, place)
        page = cursors.page(Slice(finds.items[: len(shown.items)], False, shown.has_next), limit)
        return pb.SearchMessagesResponse(items=shown.items, page=page, indexing=finds.indexing)

    def _found(self, found: Found, asked: tuple[Term, ...]) -> pb.Found:
        pieces = snippet(text_of(found.message), asked)
        return pb.Found(
            message=message_proto(found.message, self._profiles.known),
            snippet=[pb.Snippet(text=piece.text, hit=piece.is_hit) for piece in pieces],
        )


def _question(request: pb.SearchMessagesRequest) -> Question:
    return Question(
        terms(request.q),
        conversation_id=request.conversation_id,
        sender_id=request.sender_id,
        thread_root=request.thread_root,
        after=read_moment(request.after, "after") if request.HasField("after") else None,
        before=read_moment(request.before, "before") if request.HasField("before") else None,
        has_attachments=request.has_attachments,
        mentions_me=request.mentions_me,
    )


def _scope(request: pb.SearchMessagesRequest) -> str:
    """The cursors of one question, whoever asks it: they hold nothing but a time."""
    asked = pb.SearchMessagesRequest()
    asked.CopyFrom(request)
    asked.ClearField("cursor")
    asked.ClearField("limit")
    return f"SearchMessages:{asked.SerializeToString(deterministic=True).hex()}"

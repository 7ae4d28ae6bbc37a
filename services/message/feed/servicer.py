"""FeedService: what was missed comes from the store, what happens from the hub, without gap or repetition."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1 import feed_service_pb2_grpc as rpc
from mesh.call.context import caller
from mesh.page import fit
from services.message.calls import origin
from services.message.conversations.domain import not_found
from services.message.feed.chat import ChatStream
from services.message.feed.domain import moved
from services.message.feed.following import FollowStream
from services.message.feed.reader import Reader
from services.message.feed.relay import RelayStream
from services.message.feed.store import FeedStore
from services.message.feed.streams import Streams
from services.message.feed.subscription import Changes
from services.message.feed.typing import Typing
from services.message.feed.watching import Views, WatchStream
from services.message.feed.wire import limited_proto

MAX_PAGE: Final = 500
MAX_PAGE_BYTES: Final = 256 << 10
"""Sockets ask too: a page is a quarter of what may wait for one that is slow."""


class FeedServicer(rpc.FeedServiceServicer):
    """`views` shows conversations as WatchConversations tells of them; `instance_id` is how this instance is known to
    those that follow it.
    """

    def __init__(
        self, store: FeedStore, streams: Streams, typing: Typing, views: Views, *, instance_id: str = ""
    ) -> None:
        self._store = store
        self._streams = streams
        self._typing = typing
        self._views = views
        self._instance_id = instance_id
        self._reader = Reader(store, streams.live.profiles)

    async def Subscribe(self, request: pb.SubscribeRequest, context: object) -> AsyncIterator[pb.SubscribeResponse]:
        async with self._streams.open(Changes()) as stream:
            missed = self._reader.missed(stream, await self._reader.start(stream, request))
            yield pb.SubscribeResponse(ready=stream.ready())
            async for change in missed:
                yield pb.SubscribeResponse(change=change)
            async for arrived in stream.arrivals():
                async for change in self._reader.filled(stream, arrived):
                    stream.check()
                    yield pb.SubscribeResponse(change=change)
                if not arrived:
                    yield pb.SubscribeResponse(heartbeat=pb.Heartbeat())

    async def Sync(self, request: pb.SyncRequest, context: object) -> pb.SyncResponse:
        principal, limit = caller(), min(request.limit or MAX_PAGE, MAX_PAGE)
        heads = await self._store.heads(principal)
        place = await self._reader.place(principal, request, heads)
        place, limited = await self._reader.skip_long(principal, place, heads, request.max_per_conversation)
        changes = await self._reader.page(principal, place, heads, limit)
        events = fit(await self._reader.protos(changes), from_end=False, max_bytes=MAX_PAGE_BYTES)
        place = moved(place, changes[: len(events)])
        return pb.SyncResponse(
            events=events,
            user_pos=place.user_pos,
            positions={**request.positions, **place.positions},
            has_more=place != heads,
            limited=[limited_proto(missed) for missed in limited],
        )

    async def Chat(
        self, request_iterator: AsyncIterable[pb.ChatRequest], context: object
    ) -> AsyncIterator[pb.ChatResponse]:
        async for frame in ChatStream(self._streams, self._reader).serve(request_iterator):
            yield frame

    async def WatchConversations(
        self, request: pb.WatchConversationsRequest, context: object
    ) -> AsyncIterator[pb.WatchConversationsResponse]:
        async for item in WatchStream(self._streams, self._reader, self._views).serve():
            yield item

    async def StartTyping(self, request: pb.StartTypingRequest, context: object) -> pb.StartTypingResponse:
        await self._check_member(request.conversation_id)
        self._typing.start(request.conversation_id, request.thread_root, origin())
        return pb.StartTypingResponse()

    async def StopTyping(self, request: pb.StopTypingRequest, context: object) -> pb.StopTypingResponse:
        await self._check_member(request.conversation_id)
        self._typing.stop(request.conversation_id, request.thread_root, origin())
        return pb.StopTypingResponse()

    async def Relay(
        self, request_iterator: AsyncIterable[pb.RelayRequest], context: object
    ) -> AsyncIterator[pb.RelayResponse]:
        stream = RelayStream(self._streams.live)
        with self._streams.drained(stream.drain):
            async for frame in stream.serve(request_iterator):
                yield frame

    async def ComparePositions(
        self, request: pb.ComparePositionsRequest, context: object
    ) -> pb.ComparePositionsResponse:
        positions, user_positions = await self._store.further(request.positions, request.user_positions)
        return pb.ComparePositionsResponse(positions=positions, user_positions=user_positions)

    async def Follow(
        self, request_iterator: AsyncIterable[pb.FollowRequest], context: object
    ) -> AsyncIterator[pb.FollowResponse]:
        live = self._streams.live
        stream = FollowStream(live.hub, live.writer, self._instance_id)
        with self._streams.drained(stream.drain):
            async for frame in stream.serve(request_iterator):
                yield frame

    async def _check_member(self, conversation_id: str) -> None:
        if not await self._store.is_member(caller(), conversation_id):
            raise not_found()

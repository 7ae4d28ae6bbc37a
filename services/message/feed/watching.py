"""One WatchConversations stream: a list of conversations that keeps itself up to date."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.conversation_pb2 import Conversation
from mesh.identity.principal import Principal
from services.message.feed.reader import Reader
from services.message.feed.streams import Stream, Streams
from services.message.feed.subscription import Conversations

PAGE: Final = 50
GATHER_S: Final = 0.2
"""What changes within it is told as one."""

Views = Callable[[Principal, Sequence[str]], Awaitable[Sequence[Conversation]]]
"""Conversations as one of their members sees them now, by their ids; those that the member is not in are left out."""


class WatchStream:
    """Tells of a conversation again when something durable changed in it, or in the caller's own part of it."""

    def __init__(self, streams: Streams, reader: Reader, views: Views, *, gather_s: float = GATHER_S) -> None:
        self._streams = streams
        self._reader = reader
        self._views = views
        self._gather_s = gather_s
        self._told: set[str] = set()

    async def serve(self) -> AsyncIterator[pb.WatchConversationsResponse]:
        conversations = Conversations()
        async with self._streams.open(conversations) as stream:
            ids = sorted(stream.heads.positions, reverse=True)  # The newest first.
            async for item in self._again(stream, dict.fromkeys(ids, 0)):
                yield item
            yield pb.WatchConversationsResponse(ready=stream.ready())
            async for arrived in stream.arrivals():
                if not arrived:
                    yield pb.WatchConversationsResponse(heartbeat=pb.Heartbeat())
                    continue
                await asyncio.sleep(self._gather_s)
                missed = await self._reader.told_of(stream, conversations.gaps())
                async for item in self._again(stream, dict.fromkeys(missed, 0) | conversations.changed()):
                    yield item

    async def _again(self, stream: Stream, changed: Mapping[str, int]) -> AsyncIterator[pb.WatchConversationsResponse]:
        """Conversations as they are now, or that they are gone; `changed` says how far their logs are known to be."""
        ids = list(changed)
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE]
            views = {view.id: view for view in await self._views(stream.principal, page)}
            for id_ in page:
                stream.check()
                if view := views.get(id_):
                    self._told.add(id_)
                    yield pb.WatchConversationsResponse(conversation=view, pos=view.last_pos)
                elif id_ in self._told:
                    self._told.remove(id_)
                    yield pb.WatchConversationsResponse(removed_id=id_, pos=changed[id_])

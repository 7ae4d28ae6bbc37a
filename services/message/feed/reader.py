"""Reads what was missed, page by page, up to the place where the logs stood when somebody asked."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from chat.message.v1 import change_pb2
from chat.message.v1 import feed_service_pb2 as pb
from mesh.identity.principal import Principal
from services.message.feed.domain import Change, Missed, Place, long, moved, next_page, skipped, start
from services.message.feed.reached import Gap
from services.message.feed.store import FeedStore
from services.message.feed.streams import Stream
from services.message.feed.wire import change_proto, profile_ids
from services.message.profiles import Profiles

CATCH_UP_PAGE: Final = 100


class Reader:
    """What all feeds make of the logs."""

    def __init__(self, store: FeedStore, profiles: Profiles) -> None:
        self._store = store
        self._profiles = profiles

    async def place(self, principal: Principal, request: pb.SubscribeRequest | pb.SyncRequest, heads: Place) -> Place:
        """Where to read on, from the place asked for. Raises Invalid (POSITION_AHEAD)."""
        asked, joined = Place(request.user_pos, request.positions), set[str]()
        if 0 < asked.user_pos < heads.user_pos:
            joined = await self._store.joined(principal, asked.user_pos, heads.user_pos)
        return start(asked, heads, joined)

    async def skip_long(
        self, principal: Principal, place: Place, heads: Place, most: int
    ) -> tuple[Place, Sequence[Missed]]:
        """The place moved on over conversations that missed more than `most` changes, and which these are."""
        ids = long(place, heads, most)
        return skipped(place, heads, await self._store.last_seqs(principal, ids) if ids else {})

    async def page(self, principal: Principal, place: Place, heads: Place, limit: int) -> Sequence[Change]:
        """The next changes between the two places, in the order in which they are to be told."""
        page = next_page(place, heads, limit)
        changes = await self._store.changes(principal, page.wanted)
        if page.user_upto > page.user_after:
            changes += await self._store.user_changes(principal, page.user_after, page.user_upto)
        return changes

    async def protos(self, changes: Sequence[Change]) -> list[change_pb2.Change]:
        """The changes with the present profiles of whom they name."""
        await self._profiles.load({user_id for change in changes for user_id in profile_ids(change)})
        return [change_proto(change, self._profiles.known) for change in changes]

    async def start(self, stream: Stream, request: pb.SubscribeRequest) -> Place:
        """Where a stream begins. Raises Invalid (POSITION_AHEAD)."""
        return await self.place(stream.principal, request, stream.heads)

    async def missed(self, stream: Stream, place: Place) -> AsyncIterator[change_pb2.Change]:
        """All changes from a place to the one where the stream was opened."""
        while changes := await self.page(stream.principal, place, stream.heads, CATCH_UP_PAGE):
            for proto in await self.protos(changes):
                stream.check()
                yield proto
            place = moved(place, changes)

    async def filled(self, stream: Stream, items: Sequence[Any]) -> AsyncIterator[Any]:
        """What arrived, with the changes that did not come in place of the gaps."""
        for item in items:
            if isinstance(item, Gap):
                async for change in self._read(stream, item):
                    yield change
            else:
                yield item

    async def _read(self, stream: Stream, gap: Gap) -> AsyncIterator[change_pb2.Change]:
        """Nothing of a conversation that the reader is not in any more."""
        heads, id_ = await self._store.heads(stream.principal), gap.conversation_id
        if id_ and id_ not in heads.positions:
            return
        upto = min(gap.upto, heads.positions[id_] if id_ else heads.user_pos)
        for after in range(gap.after, upto, CATCH_UP_PAGE):
            last = min(after + CATCH_UP_PAGE, upto)
            if id_:
                changes = await self._store.changes(stream.principal, [(id_, n) for n in range(after + 1, last + 1)])
            else:
                changes = await self._store.user_changes(stream.principal, after, last)
            for proto in await self.protos(changes):
                stream.subscriber.reached.learn(proto)
                yield proto

    async def told_of(self, stream: Stream, gaps: Sequence[Gap]) -> set[str]:
        """The conversations that gaps in the reader's own log tell of."""
        found = set()
        for gap in gaps:
            async for change in self._read(stream, gap):
                found.add(change.conversation_id)
        return found

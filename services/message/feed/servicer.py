"""FeedService: what was missed comes from the store, what happens from the hub, without gap or repetition."""

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from chat.message.v1 import change_pb2
from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1 import feed_service_pb2_grpc as rpc
from mesh.call.context import caller
from mesh.errors import Error, Unauthenticated, Unavailable
from mesh.identity.principal import Principal
from mesh.identity.revocations import session_revoked
from mesh.page import fit
from services.message.calls import origin
from services.message.conversations.domain import not_found
from services.message.feed.domain import Change, Place, moved, next_page, start
from services.message.feed.mailbox import Mailbox
from services.message.feed.relay import Live, RelayStream
from services.message.feed.store import FeedStore
from services.message.feed.subscription import subscribe
from services.message.feed.typing import Typing
from services.message.feed.wire import change_proto, profile_ids

MAX_PAGE: Final = 500
CATCH_UP_PAGE: Final = 100
MAX_TAKEN_BYTES: Final = 256 << 10
HEARTBEAT_S: Final = 15.0


class FeedServicer(rpc.FeedServiceServicer):
    """Streams end at `drain`, so that clients go on elsewhere before this process ends."""

    def __init__(self, store: FeedStore, live: Live, typing: Typing, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._store = store
        self._live = live
        self._typing = typing
        self._heartbeat_s = heartbeat_s
        self._drains: set[Callable[[], None]] = set()

    def drain(self) -> None:
        """Ends all streams with Unavailable (DRAINING), once what they owe is on its way."""
        for drain in list(self._drains):
            drain()

    async def Subscribe(self, request: pb.SubscribeRequest, context: object) -> AsyncIterator[pb.SubscribeResponse]:
        principal = caller()
        async with subscribe(self._live.hub, self._live.writer, origin()) as (heads, mailbox):
            with self._drained(lambda: mailbox.close(_draining())), self._revoked(principal, mailbox):
                place = await self._start(principal, Place(request.user_pos, request.positions), heads)
                ready_s = math.ceil(3 * self._heartbeat_s)
                ready = pb.Ready(heartbeat_s=ready_s, user_pos=heads.user_pos, positions=heads.positions)
                yield pb.SubscribeResponse(ready=ready)
                while changes := await self._read(principal, place, heads, CATCH_UP_PAGE):
                    for proto in await self._protos(changes):
                        self._live.verifier.revocations.check(principal.session_id)
                        yield pb.SubscribeResponse(change=proto)
                    place = moved(place, changes)
                async for item in self._happening(mailbox, principal):
                    yield item

    async def Sync(self, request: pb.SyncRequest, context: object) -> pb.SyncResponse:
        principal, limit = caller(), min(request.limit or MAX_PAGE, MAX_PAGE)
        heads = await self._store.heads(principal)
        place = await self._start(principal, Place(request.user_pos, request.positions), heads)
        changes = await self._read(principal, place, heads, limit)
        events = fit(await self._protos(changes), from_end=False)
        place = moved(place, changes[: len(events)])
        return pb.SyncResponse(
            events=events,
            user_pos=place.user_pos,
            positions={**request.positions, **place.positions},
            has_more=place != heads,
        )

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
        stream = RelayStream(self._live)
        with self._drained(stream.drain):
            async for frame in stream.serve(request_iterator):
                yield frame

    async def _start(self, principal: Principal, asked: Place, heads: Place) -> Place:
        joined: set[str] = set()
        if 0 < asked.user_pos < heads.user_pos:
            joined = await self._store.joined(principal, asked.user_pos, heads.user_pos)
        return start(asked, heads, joined)

    async def _read(self, principal: Principal, place: Place, heads: Place, limit: int) -> list[Change]:
        page = next_page(place, heads, limit)
        changes = await self._store.changes(principal, page.wanted)
        if page.user_upto > page.user_after:
            changes += await self._store.user_changes(principal, page.user_after, page.user_upto)
        return changes

    async def _protos(self, changes: Sequence[Change]) -> list[change_pb2.Change]:
        profiles = self._live.profiles
        await profiles.load({user_id for change in changes for user_id in profile_ids(change)})
        return [change_proto(change, profiles.known) for change in changes]

    async def _happening(
        self, mailbox: Mailbox[change_pb2.Change], principal: Principal
    ) -> AsyncIterator[pb.SubscribeResponse]:
        while (left_s := principal.expires_at - self._live.clock()) > 0:
            try:
                async with asyncio.timeout(min(self._heartbeat_s, left_s)):
                    changes = await mailbox.take(MAX_TAKEN_BYTES)
            except TimeoutError:
                yield pb.SubscribeResponse(heartbeat=pb.Heartbeat())
            else:
                for change in changes:
                    self._live.verifier.revocations.check(principal.session_id)
                    yield pb.SubscribeResponse(change=change)
        raise Unauthenticated("TOKEN_EXPIRED", "The access token has ended. Subscribe again with a fresh one.")

    async def _check_member(self, conversation_id: str) -> None:
        if not await self._store.is_member(caller(), conversation_id):
            raise not_found()

    @contextmanager
    def _revoked(self, principal: Principal, mailbox: Mailbox[change_pb2.Change]) -> Iterator[None]:
        """Ends a stream when the session ends that it was opened in: with what waits for a slow reader left out."""
        revocations = self._live.verifier.revocations
        unwatch = revocations.on_revoked(principal.session_id, lambda: mailbox.cut(session_revoked()))
        try:
            yield
        finally:
            unwatch()

    @contextmanager
    def _drained(self, drain: Callable[[], None]) -> Iterator[None]:
        self._drains.add(drain)
        try:
            yield
        finally:
            self._drains.discard(drain)


def _draining() -> Error:
    return Unavailable("DRAINING", "This server is shutting down; another one takes over.")

"""PresenceService: everything is asked of the store; what cannot be told is `unknown`."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from chat.message.v1.conversation_service_pb2 import ListMembersRequest, ListMembersResponse
from chat.presence.v1 import presence_service_pb2 as pb
from chat.presence.v1.presence_service_pb2_grpc import PresenceServiceServicer
from mesh.call.context import caller
from mesh.call.status import answer_of
from mesh.errors import Unavailable
from mesh.page import limit_of
from services.presence.domain import (
    CONNECTED,
    Presence,
    Record,
    State,
    User,
    said,
    seen_by_oneself,
    seen_by_others,
    unknown,
)
from services.presence.gateway import GatewayStream
from services.presence.streams import Live, Streams, UserStream
from services.presence.wire import to_custom, to_presence

MAX_MEMBERS: Final = 200

ListMembers = Callable[[ListMembersRequest], Awaitable[ListMembersResponse]]
"""The stub's method. The call carries the token of the request being served."""


class PresenceServicer(PresenceServiceServicer):
    def __init__(self, live: Live, streams: Streams, list_members: ListMembers) -> None:
        self._live = live
        self._streams = streams
        self._list_members = list_members

    async def GetPresence(self, request: pb.GetPresenceRequest, context: object) -> pb.GetPresenceResponse:
        (presence,) = await self._seen([request.user_id or caller().user_id])
        return pb.GetPresenceResponse(presence=to_presence(presence))

    async def BatchGetPresences(
        self, request: pb.BatchGetPresencesRequest, context: object
    ) -> pb.BatchGetPresencesResponse:
        return pb.BatchGetPresencesResponse(items=map(to_presence, await self._seen(request.ids)))

    async def SetPresence(self, request: pb.SetPresenceRequest, context: object) -> pb.SetPresenceResponse:
        user, wanted = _user(caller().user_id), to_custom(request)
        found = await self._live.store.read([user])
        before, now = found.records[0], found.now_ms
        custom = said(before, wanted, now)
        after = replace(before, custom=custom)
        await self._live.store.say(user, custom, came_online=_appears(user, before, after, now))
        return pb.SetPresenceResponse(presence=to_presence(seen_by_oneself(user.id, after, now)))

    async def ListConversationPresences(
        self, request: pb.ListConversationPresencesRequest, context: object
    ) -> pb.ListConversationPresencesResponse:
        limit = limit_of(request.limit, MAX_MEMBERS)
        asked = ListMembersRequest(conversation_id=request.conversation_id, cursor=request.cursor, limit=limit)
        members = await answer_of(self._list_members(asked))
        seen = await self._seen([member.user.id for member in members.items])
        there = [presence for presence in seen if presence.state != State.OFFLINE]
        return pb.ListConversationPresencesResponse(items=map(to_presence, there), page=members.page)

    async def WatchPresences(
        self, request: pb.WatchPresencesRequest, context: object
    ) -> AsyncIterator[pb.WatchPresencesResponse]:
        live, stream = self._live, UserStream(self._live)
        users = [_user(id_) for id_ in dict.fromkeys(request.ids)]
        with self._streams.opened(stream.inbox):
            try:
                await live.watching.add(live.store, stream.inbox, users)
                present = await self._seen(request.ids)
                yield pb.WatchPresencesResponse(items=map(to_presence, present))
                async for frame in stream.serve(present):
                    yield pb.WatchPresencesResponse(items=map(to_presence, frame))
            finally:
                await live.watching.remove(live.store, stream.inbox, users)

    async def Heartbeat(
        self, request_iterator: AsyncIterable[pb.HeartbeatRequest], context: object
    ) -> AsyncIterator[pb.HeartbeatResponse]:
        stream = GatewayStream(self._live)
        with self._streams.opened(stream.inbox):
            async for frame in stream.serve(request_iterator):
                yield frame

    async def _seen(self, ids: Sequence[str]) -> list[Presence]:
        """How the caller sees users of the workspace, each once."""
        users = [_user(id_) for id_ in dict.fromkeys(ids)]
        if not users:
            return []
        try:
            found = await self._live.store.read(users)
        except Unavailable:
            return [unknown(user.id) for user in users]
        me = caller().user_id
        return [
            (seen_by_oneself if user.id == me else seen_by_others)(user.id, record, found.now_ms)
            for user, record in zip(users, found.records, strict=True)
        ]


def _user(user_id: str) -> User:
    """As known in the caller's workspace."""
    return User(caller().workspace_id, user_id)


def _appears(user: User, before: Record, after: Record, now_ms: int) -> bool:
    """Whether others see somebody come online by what changed."""
    was, is_ = (seen_by_others(user.id, record, now_ms).state in CONNECTED for record in (before, after))
    return is_ and not was

"""ReactionService: writing goes to the writer, reading to the store."""

import asyncio
from collections.abc import Mapping

from chat.message.v1 import reaction_service_pb2 as pb
from chat.message.v1 import reaction_service_pb2_grpc as rpc
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, limit_of
from services.message.calls import Relayed, origin
from services.message.command import Origin
from services.message.profiles import Profiles
from services.message.reactions.domain import Actor, React, State
from services.message.reactions.store import ReactionStore
from services.message.reactions.wire import actor_proto, state_proto
from services.message.writer import Writer


class ReactionServicer(rpc.ReactionServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(self, store: ReactionStore, writer: Writer, profiles: Profiles, *, cursors: CursorCodec) -> None:
        self._store = store
        self._writer = writer
        self._profiles = profiles
        self._cursors = cursors

    @property
    def relayed(self) -> Mapping[str, Relayed]:
        """The methods that Relay streams carry too, by name."""
        return {
            "AddReaction": Relayed(pb.AddReactionRequest, self._add, self._added),
            "RemoveReaction": Relayed(pb.RemoveReactionRequest, self._remove, self._removed),
        }

    async def AddReaction(self, request: pb.AddReactionRequest, context: object) -> pb.AddReactionResponse:
        return self._added(await self._add(request, origin()))

    async def RemoveReaction(self, request: pb.RemoveReactionRequest, context: object) -> pb.RemoveReactionResponse:
        return self._removed(await self._remove(request, origin()))

    async def ListReactions(self, request: pb.ListReactionsRequest, context: object) -> pb.ListReactionsResponse:
        principal, limit = caller(), limit_of(request.limit)
        scope = f"ListReactions:{request.message_id}:{request.emoji}"
        cursors = Cursors[Actor](self._cursors, scope, lambda actor: (actor.pos,))
        place = cursors.place(request.cursor)
        found = await self._store.page(principal, request.message_id, request.emoji, place, limit)
        await self._profiles.load({actor.user_id for actor in found.items})
        items = [actor_proto(actor, principal.workspace_id, self._profiles.known) for actor in found.items]
        return pb.ListReactionsResponse(items=items, page=cursors.page(found, limit))

    def _add(self, request: pb.AddReactionRequest, origin: Origin) -> "asyncio.Future[State]":
        return self._writer.submit(React(origin, request.message_id, request.emoji, is_there=True))

    def _added(self, state: State) -> pb.AddReactionResponse:
        return pb.AddReactionResponse(state=state_proto(state))

    def _remove(self, request: pb.RemoveReactionRequest, origin: Origin) -> "asyncio.Future[State]":
        return self._writer.submit(React(origin, request.message_id, request.emoji, is_there=False))

    def _removed(self, state: State) -> pb.RemoveReactionResponse:
        return pb.RemoveReactionResponse(state=state_proto(state))

"""BanService: who may not come back."""

from collections.abc import Callable, Sequence
from datetime import datetime

from chat.message.v1 import ban_service_pb2 as pb
from chat.message.v1 import ban_service_pb2_grpc as rpc
from chat.message.v1.ban_pb2 import Ban as BanProto
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.moment import read_moment
from mesh.page import Cursors, limit_of
from services.message.bans.domain import Ban, BanUser, UnbanUser, check_other
from services.message.bans.store import BanStore
from services.message.bans.wire import ban_proto
from services.message.calls import origin
from services.message.profiles import Profiles
from services.message.writer import Writer


class BanServicer(rpc.BanServiceServicer):
    def __init__(
        self,
        store: BanStore,
        writer: Writer,
        profiles: Profiles,
        *,
        cursors: CursorCodec,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._writer = writer
        self._profiles = profiles
        self._cursors = cursors
        self._clock = clock

    async def BanUser(self, request: pb.BanUserRequest, context: object) -> pb.BanUserResponse:
        check_other(request.user_id, caller().user_id)
        until = read_moment(request.until, "until") if request.HasField("until") else None
        await self._profiles.require([request.user_id])
        ban: Ban = await self._writer.submit(
            BanUser(origin(), request.conversation_id, request.user_id, request.reason, until)
        )
        return pb.BanUserResponse(ban=(await self._protos([ban]))[0])

    async def UnbanUser(self, request: pb.UnbanUserRequest, context: object) -> pb.UnbanUserResponse:
        await self._writer.submit(UnbanUser(origin(), request.conversation_id, request.user_id))
        return pb.UnbanUserResponse()

    async def ListBans(self, request: pb.ListBansRequest, context: object) -> pb.ListBansResponse:
        limit = limit_of(request.limit)
        cursors = Cursors[Ban](
            self._cursors,
            f"ListBans:{request.conversation_id}",
            lambda ban: (ban.created_at.isoformat(), ban.user_id),
        )
        place = cursors.place(request.cursor)
        found = await self._store.page(caller(), request.conversation_id, place, limit, self._clock())
        return pb.ListBansResponse(items=await self._protos(found.items), page=cursors.page(found, limit))

    async def _protos(self, bans: Sequence[Ban]) -> list[BanProto]:
        await self._profiles.load({id_ for ban in bans for id_ in (ban.user_id, ban.banned_by)})
        return [ban_proto(ban, self._profiles.known) for ban in bans]

"""InviteService: ways into a conversation."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from chat.message.v1 import invite_service_pb2 as pb
from chat.message.v1 import invite_service_pb2_grpc as rpc
from chat.message.v1.conversation_pb2 import Conversation as ConversationProto
from chat.message.v1.invite_pb2 import Invite as InviteProto
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.page import Cursors, limit_of
from services.message.calls import origin
from services.message.contacts import Contacts
from services.message.conversations.domain import Role
from services.message.invites.domain import (
    AcceptInvite,
    CreateInvite,
    DeclineInvite,
    RevokeInvite,
    Shown,
    hash_of,
    invalid,
    new_code,
    people_of,
)
from services.message.invites.store import InviteStore
from services.message.invites.wire import invite_proto
from services.message.profiles import Profiles
from services.message.writer import Writer

View = Callable[[str], Awaitable[ConversationProto]]
"""A conversation as the caller sees it, by its id."""


class InviteServicer(rpc.InviteServiceServicer):
    def __init__(
        self,
        store: InviteStore,
        writer: Writer,
        profiles: Profiles,
        contacts: Contacts,
        view: View,
        *,
        cursors: CursorCodec,
        new_id: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._writer = writer
        self._profiles = profiles
        self._contacts = contacts
        self._view = view
        self._cursors = cursors
        self._new_id = new_id
        self._clock = clock

    async def CreateInvite(self, request: pb.CreateInviteRequest, context: object) -> pb.CreateInviteResponse:
        user_ids = [request.user_id] if request.user_id else []
        await self._profiles.require(user_ids)
        await self._contacts.check(user_ids)
        code = "" if user_ids else new_code()
        command = CreateInvite(
            origin(),
            conversation_id=request.conversation_id,
            id=self._new_id(),
            user_id=request.user_id,
            code_hash=hash_of(code) if code else None,
            role=Role(request.role or Role.MEMBER),
            expires_in_s=request.expires_in_s,
            max_uses=request.max_uses,
        )
        shown: Shown = await self._writer.submit(command)
        return pb.CreateInviteResponse(invite=(await self._protos([shown], code))[0])

    async def ListInvites(self, request: pb.ListInvitesRequest, context: object) -> pb.ListInvitesResponse:
        limit, cursors = limit_of(request.limit), self._cursors_of(f"ListInvites:{request.conversation_id}")
        place = cursors.place(request.cursor)
        found = await self._store.of_conversation(caller(), request.conversation_id, place, limit, self._clock())
        return pb.ListInvitesResponse(items=await self._protos(found.items), page=cursors.page(found, limit))

    async def RevokeInvite(self, request: pb.RevokeInviteRequest, context: object) -> pb.RevokeInviteResponse:
        await self._view(request.conversation_id)  # To who is not in it, it does not exist, whatever the invitation.
        invite = await self._store.by_id(caller(), request.id)
        await self._writer.submit(RevokeInvite(origin(), request.conversation_id, invite.id, people_of(invite)))
        return pb.RevokeInviteResponse()

    async def ListMyInvites(self, request: pb.ListMyInvitesRequest, context: object) -> pb.ListMyInvitesResponse:
        limit, cursors = limit_of(request.limit), self._cursors_of(f"ListMyInvites:{caller().user_id}")
        found = await self._store.for_caller(caller(), cursors.place(request.cursor), limit, self._clock())
        return pb.ListMyInvitesResponse(items=await self._protos(found.items), page=cursors.page(found, limit))

    async def PreviewInvite(self, request: pb.PreviewInviteRequest, context: object) -> pb.PreviewInviteResponse:
        shown = await self._store.by_code(caller(), hash_of(request.code))
        if not shown.invite.is_open(self._clock()):
            raise invalid()
        return pb.PreviewInviteResponse(invite=(await self._protos([shown]))[0])

    async def AcceptInvite(self, request: pb.AcceptInviteRequest, context: object) -> pb.AcceptInviteResponse:
        principal = caller()
        if request.code:
            invite = (await self._store.by_code(principal, hash_of(request.code))).invite
        else:
            invite = await self._store.by_id(principal, request.id)
            if invite.user_id != principal.user_id:
                raise invalid()
        await self._profiles.load([principal.user_id])
        await self._writer.submit(AcceptInvite(origin(), invite.conversation_id, invite.id, people_of(invite)))
        return pb.AcceptInviteResponse(conversation=await self._view(invite.conversation_id))

    async def DeclineInvite(self, request: pb.DeclineInviteRequest, context: object) -> pb.DeclineInviteResponse:
        invite = await self._store.by_id(caller(), request.id)
        await self._writer.submit(DeclineInvite(origin(), invite.conversation_id, invite.id, people_of(invite)))
        return pb.DeclineInviteResponse()

    def _cursors_of(self, scope: str) -> Cursors[Shown]:
        return Cursors[Shown](self._cursors, scope, lambda shown: (shown.invite.id,))

    async def _protos(self, found: Sequence[Shown], code: str = "") -> list[InviteProto]:
        await self._profiles.load({shown.invite.created_by for shown in found})
        return [invite_proto(shown, self._profiles.known, code) for shown in found]

"""ConversationService: writing goes to the writer, reading to the store."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from chat.message.v1 import conversation_pb2
from chat.message.v1 import conversation_service_pb2 as pb
from chat.message.v1 import conversation_service_pb2_grpc as rpc
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.identity.principal import Principal
from mesh.page import Cursors, cut, limit_of
from services.message.calls import Relayed, named_in, origin
from services.message.command import Origin
from services.message.contacts import Contacts
from services.message.conversations import domain
from services.message.conversations.domain import (
    AddMembers,
    ArchiveConversation,
    CreateConversation,
    Created,
    DeleteConversation,
    Filter,
    JoinConversation,
    Kind,
    MarkRead,
    Member,
    ReadMark,
    RemoveMember,
    Role,
    SetPreferences,
    UpdateConversation,
    UpdateMember,
)
from services.message.conversations.settings import check_new
from services.message.conversations.store import ConversationStore, Listed, View
from services.message.conversations.wire import (
    channel_proto,
    member_proto,
    membership_proto,
    preferences_of,
    settings_of,
    view_proto,
)
from services.message.profiles import Profiles
from services.message.writer import Writer

MAX_MEMBERS = 200
"""In a page of them."""
SETTINGS = ("name", "topic", "avatar", "visibility", "join_policy", "permissions", "slow_mode_s")


class ConversationServicer(rpc.ConversationServiceServicer):
    """Each write is one command; its answer means that it is on disk."""

    def __init__(
        self,
        store: ConversationStore,
        writer: Writer,
        profiles: Profiles,
        contacts: Contacts,
        *,
        cursors: CursorCodec,
        new_id: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._writer = writer
        self._profiles = profiles
        self._contacts = contacts
        self._cursors = cursors
        self._new_id = new_id
        self._clock = clock

    @property
    def relayed(self) -> Mapping[str, Relayed]:
        """The methods that Relay streams carry too, by name."""
        return {"MarkRead": Relayed(pb.MarkReadRequest, self._mark, self._marked)}

    async def views(
        self, principal: Principal, conversation_ids: Sequence[str]
    ) -> Sequence[conversation_pb2.Conversation]:
        """Those of the conversations that somebody is in, as they see them now."""
        return await self._views(await self._store.some(principal, conversation_ids))

    async def CreateConversation(
        self, request: pb.CreateConversationRequest, context: object
    ) -> pb.CreateConversationResponse:
        actor_id, kind = caller().user_id, Kind(request.type)
        settings = settings_of(request, SETTINGS)
        check_new(kind, settings, actor_id, request.member_ids)
        member_ids = domain.others(request.member_ids, actor_id)
        await self._profiles.require(member_ids)
        await self._contacts.check(member_ids)
        await self._profiles.load([actor_id])
        command = CreateConversation(
            origin(),
            id=self._new_id(),
            kind=kind,
            name=request.name,
            topic=request.topic,
            member_ids=member_ids,
            settings=settings,
        )
        created: Created = await self._writer.submit(command)
        conversation = await self.view(created.conversation_id)
        return pb.CreateConversationResponse(conversation=conversation, replayed=created.replayed)

    async def ListConversations(
        self, request: pb.ListConversationsRequest, context: object
    ) -> pb.ListConversationsResponse:
        principal, limit, kept = caller(), limit_of(request.limit), Filter(request.filter)
        scope = f"ListConversations:{principal.user_id}:{kept.name}"
        cursors = Cursors[conversation_pb2.Conversation](self._cursors, scope, lambda conversation: (conversation.id,))
        place = cursors.place(request.cursor)
        found = await self._store.page(principal, place, limit, kept, self._clock())
        shown = cut(found, await self._views(found.items), place)
        return pb.ListConversationsResponse(items=shown.items, page=cursors.page(shown, limit))

    async def GetConversation(self, request: pb.GetConversationRequest, context: object) -> pb.GetConversationResponse:
        return pb.GetConversationResponse(conversation=await self.view(request.id))

    async def UpdateConversation(
        self, request: pb.UpdateConversationRequest, context: object
    ) -> pb.UpdateConversationResponse:
        await self._profiles.load([caller().user_id])
        settings = settings_of(request, named_in(request, SETTINGS))
        command = UpdateConversation(origin(), request.id, settings, request.etag)
        await self._writer.submit(command)
        return pb.UpdateConversationResponse(conversation=await self.view(request.id))

    async def LeaveConversation(
        self, request: pb.LeaveConversationRequest, context: object
    ) -> pb.LeaveConversationResponse:
        await self._profiles.load([caller().user_id])
        await self._writer.submit(RemoveMember(origin(), request.id, caller().user_id))
        return pb.LeaveConversationResponse()

    async def ListMembers(self, request: pb.ListMembersRequest, context: object) -> pb.ListMembersResponse:
        limit = limit_of(request.limit, MAX_MEMBERS)
        cursors = Cursors[Member](
            self._cursors,
            f"ListMembers:{request.conversation_id}",
            lambda member: (member.joined_at.isoformat(), member.user_id),
        )
        place = cursors.place(request.cursor)
        found = await self._store.members(caller(), request.conversation_id, place, limit)
        return pb.ListMembersResponse(items=await self._members(found.items), page=cursors.page(found, limit))

    async def AddMembers(self, request: pb.AddMembersRequest, context: object) -> pb.AddMembersResponse:
        user_ids, role = tuple(dict.fromkeys(request.user_ids)), Role(request.role or Role.MEMBER)
        await self._profiles.require(user_ids)
        await self._contacts.check(user_ids)
        members = await self._writer.submit(AddMembers(origin(), request.conversation_id, user_ids, role))
        return pb.AddMembersResponse(items=await self._members(members))

    async def UpdateMember(self, request: pb.UpdateMemberRequest, context: object) -> pb.UpdateMemberResponse:
        await self._profiles.load([request.user_id])
        command = UpdateMember(origin(), request.conversation_id, request.user_id, Role(request.role))
        member: Member = await self._writer.submit(command)
        return pb.UpdateMemberResponse(member=member_proto(member, self._profiles.known))

    async def RemoveMember(self, request: pb.RemoveMemberRequest, context: object) -> pb.RemoveMemberResponse:
        await self._profiles.load([request.user_id])
        await self._writer.submit(RemoveMember(origin(), request.conversation_id, request.user_id))
        return pb.RemoveMemberResponse()

    async def MarkRead(self, request: pb.MarkReadRequest, context: object) -> pb.MarkReadResponse:
        return self._marked(await self._mark(request, origin()))

    async def ListChannels(self, request: pb.ListChannelsRequest, context: object) -> pb.ListChannelsResponse:
        limit = limit_of(request.limit)
        scope = f"ListChannels:{caller().workspace_id}:{request.q}"
        cursors = Cursors[Listed](self._cursors, scope, lambda listed: (listed.conversation.id,))
        found = await self._store.channels(caller(), request.q, cursors.place(request.cursor), limit)
        return pb.ListChannelsResponse(items=map(channel_proto, found.items), page=cursors.page(found, limit))

    async def JoinConversation(
        self, request: pb.JoinConversationRequest, context: object
    ) -> pb.JoinConversationResponse:
        await self._profiles.load([caller().user_id])
        await self._writer.submit(JoinConversation(origin(), request.id))
        return pb.JoinConversationResponse(conversation=await self.view(request.id))

    async def ArchiveConversation(
        self, request: pb.ArchiveConversationRequest, context: object
    ) -> pb.ArchiveConversationResponse:
        await self._writer.submit(ArchiveConversation(origin(), request.id, is_archived=True))
        return pb.ArchiveConversationResponse(conversation=await self.view(request.id))

    async def UnarchiveConversation(
        self, request: pb.UnarchiveConversationRequest, context: object
    ) -> pb.UnarchiveConversationResponse:
        await self._writer.submit(ArchiveConversation(origin(), request.id, is_archived=False))
        return pb.UnarchiveConversationResponse(conversation=await self.view(request.id))

    async def DeleteConversation(
        self, request: pb.DeleteConversationRequest, context: object
    ) -> pb.DeleteConversationResponse:
        await self._writer.submit(DeleteConversation(origin(), request.id))
        return pb.DeleteConversationResponse()

    async def SetPreferences(self, request: pb.SetPreferencesRequest, context: object) -> pb.SetPreferencesResponse:
        command = SetPreferences(origin(), request.id, preferences_of(request))
        member, last_seq = await self._writer.submit(command)
        return pb.SetPreferencesResponse(membership=membership_proto(member, last_seq))

    async def view(self, conversation_id: str) -> conversation_pb2.Conversation:
        """A conversation as the caller sees it. Raises NotFound (CONVERSATION_NOT_FOUND)."""
        return (await self._views([await self._store.get(caller(), conversation_id)]))[0]

    def _mark(self, request: pb.MarkReadRequest, origin: Origin) -> "asyncio.Future[ReadMark]":
        return self._writer.submit(MarkRead(origin, request.conversation_id, request.seq))

    def _marked(self, mark: ReadMark) -> pb.MarkReadResponse:
        return pb.MarkReadResponse(
            conversation_id=mark.conversation_id,
            last_read_seq=mark.last_read_seq,
            unread_count=mark.unread_count,
            mention_count=mark.mention_count,
        )

    async def _views(self, views: Sequence[View]) -> list[conversation_pb2.Conversation]:
        shown = {member.user_id for view in views for member in view.members}
        senders = {view.last_message.sender_id for view in views if view.last_message is not None}
        await self._profiles.load(shown | senders)
        return [view_proto(view, self._profiles.known) for view in views]

    async def _members(self, members: Iterable[Member]) -> list[conversation_pb2.Member]:
        members = list(members)
        await self._profiles.load([member.user_id for member in members])
        return [member_proto(member, self._profiles.known) for member in members]

"""What calls are about: a group with a message, and things that belong to its author. Made when they are asked for."""

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import uuid4

from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1 import ban_service_pb2 as bans_pb
from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import group_service_pb2 as groups_pb
from chat.message.v1 import invite_service_pb2 as invites_pb
from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1 import poll_pb2
from chat.message.v1 import report_service_pb2 as reports_pb
from chat.message.v1 import schedule_service_pb2 as schedule_pb
from chat.message.v1.conversation_pb2 import (
    CONVERSATION_TYPE_CHANNEL,
    CONVERSATION_TYPE_GROUP,
    JOIN_POLICY_OPEN,
    MEMBER_ROLE_ADMIN,
    VISIBILITY_PUBLIC,
)
from chat.message.v1.report_pb2 import REPORT_CATEGORY_OTHER
from chat.user.v1 import account_service_pb2 as accounts_pb
from chat.user.v1 import api_key_service_pb2 as keys_pb
from chat.user.v1 import bot_service_pb2 as bots_pb
from chat.user.v1 import session_service_pb2 as sessions_pb
from tests.authz.cast import MARK, Actor, Cast

CONVERSATIONS, MESSAGES = "message.v1.ConversationService", "message.v1.MessageService"
INVITES, BANS, GROUPS = "message.v1.InviteService", "message.v1.BanService", "message.v1.GroupService"
SCHEDULE = "message.v1.ScheduleService"


def in_an_hour() -> Timestamp:
    at = Timestamp()
    at.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    return at


class Stage:
    def __init__(self, cast: Cast) -> None:
        self.cast = cast

    @cached_property
    def group(self) -> str:
        """Everybody is in it who has a rank, and `bystander`; `ex_member` was."""
        cast = self.cast
        others = [cast.admin, cast.author, cast.member, cast.bot, cast.ex_member, self.bystander]
        new = {"type": CONVERSATION_TYPE_GROUP, "name": f"{MARK} group", "member_ids": [actor.id for actor in others]}
        id_ = self._owner_asks("CreateConversation", conversations_pb.CreateConversationRequest, **new).conversation.id
        admin = {"conversation_id": id_, "user_id": cast.admin.id, "role": MEMBER_ROLE_ADMIN}
        self._owner_asks("UpdateMember", conversations_pb.UpdateMemberRequest, **admin)
        gone = {"conversation_id": id_, "user_id": cast.ex_member.id}
        self._owner_asks("RemoveMember", conversations_pb.RemoveMemberRequest, **gone)
        return str(id_)

    @cached_property
    def message(self) -> str:
        """Written by the author."""
        send = {"conversation_id": self.group, "text": f"{MARK} text"}
        sent = self.cast.ask(self.cast.author, f"{MESSAGES}/SendMessage", messages_pb.SendMessageRequest, **send)
        return str(sent.message.id)

    @cached_property
    def deleted(self) -> str:
        """Another one, which the author deleted."""
        send = {"conversation_id": self.group, "text": f"{MARK} text"}
        sent = self.cast.ask(self.cast.author, f"{MESSAGES}/SendMessage", messages_pb.SendMessageRequest, **send)
        gone = {"id": sent.message.id}
        self.cast.ask(self.cast.author, f"{MESSAGES}/DeleteMessage", messages_pb.DeleteMessageRequest, **gone)
        return str(sent.message.id)

    @cached_property
    def planned(self) -> str:
        """A message of the author's that is to be written in an hour."""
        message = messages_pb.SendMessageRequest(conversation_id=self.group, text=f"{MARK} text")
        new = {"message": message, "send_at": in_an_hour()}
        planned = self.cast.ask(
            self.cast.author, f"{SCHEDULE}/ScheduleMessage", schedule_pb.ScheduleMessageRequest, **new
        )
        return str(planned.scheduled.id)

    @cached_property
    def poll(self) -> str:
        """A message of the author's with a poll."""
        poll = poll_pb2.NewPoll(question=f"{MARK} question", options=[f"{MARK} yes", f"{MARK} no"])
        send = {"conversation_id": self.group, "poll": poll}
        sent = self.cast.ask(self.cast.author, f"{MESSAGES}/SendMessage", messages_pb.SendMessageRequest, **send)
        return str(sent.message.id)

    @cached_property
    def report(self) -> str:
        """Of the message, by the author."""
        about = {"message_id": self.message, "category": REPORT_CATEGORY_OTHER, "comment": f"{MARK} comment"}
        made = self.cast.ask(
            self.cast.author, "message.v1.ReportService/ReportMessage", reports_pb.ReportMessageRequest, **about
        )
        return str(made.report.id)

    @cached_property
    def channel(self) -> str:
        """Public and open; only the owner is in it."""
        new = {"type": CONVERSATION_TYPE_CHANNEL, "name": f"{MARK} channel"}
        is_open = {"visibility": VISIBILITY_PUBLIC, "join_policy": JOIN_POLICY_OPEN}
        request = conversations_pb.CreateConversationRequest
        return str(self._owner_asks("CreateConversation", request, **new, **is_open).conversation.id)

    @cached_property
    def link(self) -> str:
        """The code of a link into that channel."""
        return str(self._owner_invites(self.channel).code)

    @cached_property
    def link_id(self) -> str:
        """The owner's link into the group."""
        return str(self._owner_invites(self.group).id)

    @cached_property
    def invite(self) -> str:
        """The author's invitation into that channel."""
        return str(self._owner_invites(self.channel, user_id=self.cast.author.id).id)

    @cached_property
    def crew(self) -> str:
        """A group of people of the workspace."""
        new = {"handle": f"{MARK}-{uuid4().hex[:12]}", "name": f"{MARK} crew", "user_ids": [self.bystander.id]}
        made = self.cast.ask(self.cast.boss, f"{GROUPS}/CreateGroup", groups_pb.CreateGroupRequest, **new)
        return str(made.group.id)

    @cached_property
    def bystander(self) -> Actor:
        """Somebody in the group, and in the workspace, to whom things are done."""
        return self.cast.person("bystander")

    @cached_property
    def newcomer(self) -> Actor:
        return self.cast.person("newcomer")

    @cached_property
    def session(self) -> str:
        """One of the author's."""
        return self.cast.login(self.cast.author).session_id

    @cached_property
    def key(self) -> str:
        """One of the author's own."""
        new = {"name": f"{MARK} key", "scopes": ["user:read"]}
        made = self._author_asks("ApiKeyService/CreateApiKey", keys_pb.CreateApiKeyRequest, **new)
        return str(made.api_key.id)

    @cached_property
    def bot(self) -> str:
        """One of the author's."""
        return str(self.cast.new_bot(self.cast.author).id)

    @cached_property
    def bot_key(self) -> str:
        """Of that bot."""
        self.cast.new_key(self.cast.author, self.bot)
        listed = self._author_asks("BotService/ListBotKeys", bots_pb.ListBotKeysRequest, id=self.bot)
        return str(listed.items[0].id)

    def state(self) -> dict[str, Any]:
        """All of it as it is now, as far as it was made."""
        made, found = self.__dict__.keys(), dict[str, Any]()
        if "group" in made:
            group = self._owner_asks("GetConversation", conversations_pb.GetConversationRequest, id=self.group)
            found["group"] = group.conversation
            members = {"conversation_id": self.group}
            found["members"] = self._owner_asks("ListMembers", conversations_pb.ListMembersRequest, **members).items
            found["messages"] = self.cast.ask(
                self.cast.owner, f"{MESSAGES}/ListMessages", messages_pb.ListMessagesRequest, conversation_id=self.group
            ).items
            found["invites"] = self.cast.ask(
                self.cast.owner, f"{INVITES}/ListInvites", invites_pb.ListInvitesRequest, conversation_id=self.group
            ).items
            found["bans"] = self.cast.ask(
                self.cast.owner, f"{BANS}/ListBans", bans_pb.ListBansRequest, conversation_id=self.group
            ).items
        if "channel" in made:
            channel = self._owner_asks("GetConversation", conversations_pb.GetConversationRequest, id=self.channel)
            found["channel"] = channel.conversation
        if "invite" in made:
            listed = self.cast.ask(self.cast.author, f"{INVITES}/ListMyInvites", invites_pb.ListMyInvitesRequest)
            found["invite"] = [invite for invite in listed.items if invite.id == self.invite]
        if "planned" in made:
            found["planned"] = self.cast.ask(
                self.cast.author, f"{SCHEDULE}/GetScheduled", schedule_pb.GetScheduledRequest, id=self.planned
            ).scheduled
        if "crew" in made:
            crew = self.cast.ask(self.cast.boss, f"{GROUPS}/GetGroup", groups_pb.GetGroupRequest, id=self.crew)
            found["crew"] = crew.group
        if "bystander" in made:
            user = {"id": self.bystander.id}
            found["bystander"] = self._author_asks("AccountService/GetUser", accounts_pb.GetUserRequest, **user).user
        if "session" in made:
            listed = self._author_asks("SessionService/ListSessions", sessions_pb.ListSessionsRequest, limit=100)
            found["session"] = [session.id for session in listed.items if session.id == self.session]
        if "key" in made:
            listed = self._author_asks("ApiKeyService/ListApiKeys", keys_pb.ListApiKeysRequest, limit=100)
            found["key"] = [key for key in listed.items if key.id == self.key]
        if "bot" in made:
            found["bots"] = self._author_asks("BotService/ListBots", bots_pb.ListBotsRequest, limit=100).items
            found["bot keys"] = self._author_asks(
                "BotService/ListBotKeys", bots_pb.ListBotKeysRequest, id=self.bot
            ).items
        return {name: str(value) for name, value in found.items()}

    def _owner_asks(self, method: str, kind: Any, **fields: Any) -> Any:
        return self.cast.ask(self.cast.owner, f"{CONVERSATIONS}/{method}", kind, **fields)

    def _owner_invites(self, conversation_id: str, **fields: Any) -> Any:
        request = {"conversation_id": conversation_id, **fields}
        return self.cast.ask(
            self.cast.owner, f"{INVITES}/CreateInvite", invites_pb.CreateInviteRequest, **request
        ).invite

    def _author_asks(self, method: str, kind: Any, **fields: Any) -> Any:
        return self.cast.ask(self.cast.author, f"user.v1.{method}", kind, **fields)

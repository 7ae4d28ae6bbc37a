"""A request for every method, about what a stage has. A method without one fails the build."""

from collections.abc import Callable, Mapping
from uuid import uuid4

from google.protobuf.message import Message

from chat.message.v1 import audit_service_pb2 as message_audit_pb
from chat.message.v1 import ban_service_pb2 as bans
from chat.message.v1 import bookmark_service_pb2 as bookmarks
from chat.message.v1 import conversation_service_pb2 as conversations
from chat.message.v1 import draft_service_pb2 as drafts
from chat.message.v1 import feed_service_pb2 as feed
from chat.message.v1 import group_service_pb2 as groups
from chat.message.v1 import invite_service_pb2 as invites
from chat.message.v1 import message_service_pb2 as messages
from chat.message.v1 import pin_service_pb2 as pins
from chat.message.v1 import poll_service_pb2 as polls
from chat.message.v1 import reaction_service_pb2 as reactions
from chat.message.v1 import reading_service_pb2 as reading
from chat.message.v1 import report_service_pb2 as reports
from chat.message.v1 import schedule_service_pb2 as schedule
from chat.message.v1 import search_service_pb2 as search
from chat.message.v1 import transfer_service_pb2 as transfer
from chat.message.v1.conversation_pb2 import CONVERSATION_TYPE_GROUP, MEMBER_ROLE_GUEST
from chat.message.v1.report_pb2 import REPORT_CATEGORY_OTHER, REPORT_STATUS_DISMISSED
from chat.presence.v1 import presence_service_pb2 as presence
from chat.user.v1 import account_service_pb2 as accounts
from chat.user.v1 import administration_service_pb2 as administration
from chat.user.v1 import api_key_service_pb2 as api_keys
from chat.user.v1 import block_service_pb2 as blocks
from chat.user.v1 import bot_service_pb2 as bots
from chat.user.v1 import credential_service_pb2 as credentials
from chat.user.v1 import key_service_pb2 as keys
from chat.user.v1 import oauth_service_pb2 as oauth
from chat.user.v1 import revocation_service_pb2 as revocations
from chat.user.v1 import second_factor_service_pb2 as factors
from chat.user.v1 import session_service_pb2 as sessions
from chat.user.v1 import workspace_service_pb2 as workspaces
from chat.user.v1.user_pb2 import USER_ROLE_ADMIN
from tests.authz.cast import ELSEWHERE, HERE, MARK, PASSWORD
from tests.authz.stage import Stage, in_an_hour

WRONG = "not the password"
NEW = f"{MARK} new"

Sample = Callable[[Stage], Message]


def new_name() -> str:
    return f"{MARK}-{uuid4().hex[:12]}"


def register(_: Stage) -> Message:
    name = new_name()
    return accounts.RegisterRequest(username=name, email=f"{name}@example.com", password=PASSWORD)


SAMPLES: Mapping[str, Sample] = {
    "message.v1.AuditService/VerifyAudit": lambda _: message_audit_pb.VerifyAuditRequest(),
    "message.v1.ConversationService/CreateConversation": lambda s: conversations.CreateConversationRequest(
        type=CONVERSATION_TYPE_GROUP, name=NEW, member_ids=[s.bystander.id]
    ),
    "message.v1.ConversationService/ListConversations": lambda _: conversations.ListConversationsRequest(),
    "message.v1.ConversationService/GetConversation": lambda s: conversations.GetConversationRequest(id=s.group),
    "message.v1.ConversationService/UpdateConversation": lambda s: conversations.UpdateConversationRequest(
        id=s.group, name=NEW
    ),
    "message.v1.ConversationService/LeaveConversation": lambda s: conversations.LeaveConversationRequest(id=s.group),
    "message.v1.ConversationService/ListMembers": lambda s: conversations.ListMembersRequest(conversation_id=s.group),
    "message.v1.ConversationService/AddMembers": lambda s: conversations.AddMembersRequest(
        conversation_id=s.group, user_ids=[s.bystander.id]
    ),
    "message.v1.ConversationService/UpdateMember": lambda s: conversations.UpdateMemberRequest(
        conversation_id=s.group, user_id=s.bystander.id, role=MEMBER_ROLE_GUEST
    ),
    "message.v1.ConversationService/RemoveMember": lambda s: conversations.RemoveMemberRequest(
        conversation_id=s.group, user_id=s.bystander.id
    ),
    "message.v1.ConversationService/MarkRead": lambda s: conversations.MarkReadRequest(conversation_id=s.group, seq=1),
    "message.v1.ConversationService/ListChannels": lambda _: conversations.ListChannelsRequest(),
    "message.v1.ConversationService/JoinConversation": lambda s: conversations.JoinConversationRequest(id=s.channel),
    "message.v1.ConversationService/ArchiveConversation": lambda s: conversations.ArchiveConversationRequest(
        id=s.group
    ),
    "message.v1.ConversationService/UnarchiveConversation": lambda s: conversations.UnarchiveConversationRequest(
        id=s.group
    ),
    "message.v1.ConversationService/DeleteConversation": lambda s: conversations.DeleteConversationRequest(id=s.group),
    "message.v1.ConversationService/SetPreferences": lambda s: conversations.SetPreferencesRequest(
        id=s.group, favourite=True
    ),
    "message.v1.InviteService/CreateInvite": lambda s: invites.CreateInviteRequest(conversation_id=s.group),
    "message.v1.InviteService/ListInvites": lambda s: invites.ListInvitesRequest(conversation_id=s.group),
    "message.v1.InviteService/RevokeInvite": lambda s: invites.RevokeInviteRequest(
        conversation_id=s.group, id=s.link_id
    ),
    "message.v1.InviteService/ListMyInvites": lambda _: invites.ListMyInvitesRequest(),
    "message.v1.InviteService/PreviewInvite": lambda s: invites.PreviewInviteRequest(code=s.link),
    "message.v1.InviteService/AcceptInvite": lambda s: invites.AcceptInviteRequest(code=s.link),
    "message.v1.InviteService/DeclineInvite": lambda s: invites.DeclineInviteRequest(id=s.invite),
    "message.v1.BanService/BanUser": lambda s: bans.BanUserRequest(conversation_id=s.group, user_id=s.bystander.id),
    "message.v1.BanService/UnbanUser": lambda s: bans.UnbanUserRequest(conversation_id=s.group, user_id=s.newcomer.id),
    "message.v1.BanService/ListBans": lambda s: bans.ListBansRequest(conversation_id=s.group),
    "message.v1.GroupService/CreateGroup": lambda s: groups.CreateGroupRequest(
        handle=new_name(), name=NEW, user_ids=[s.bystander.id]
    ),
    "message.v1.GroupService/ListGroups": lambda _: groups.ListGroupsRequest(),
    "message.v1.GroupService/GetGroup": lambda s: groups.GetGroupRequest(id=s.crew),
    "message.v1.GroupService/UpdateGroup": lambda s: groups.UpdateGroupRequest(id=s.crew, name=NEW),
    "message.v1.GroupService/DeleteGroup": lambda s: groups.DeleteGroupRequest(id=s.crew),
    "message.v1.FeedService/Subscribe": lambda s: feed.SubscribeRequest(positions={s.group: 0}),
    "message.v1.FeedService/Sync": lambda s: feed.SyncRequest(positions={s.group: 0}),
    "message.v1.FeedService/StartTyping": lambda s: feed.StartTypingRequest(conversation_id=s.group),
    "message.v1.FeedService/StopTyping": lambda s: feed.StopTypingRequest(conversation_id=s.group),
    "message.v1.FeedService/Relay": lambda _: feed.RelayRequest(),
    "message.v1.FeedService/ComparePositions": lambda s: feed.ComparePositionsRequest(positions={s.group: 0}),
    "message.v1.FeedService/Follow": lambda _: feed.FollowRequest(),
    "message.v1.FeedService/Chat": lambda s: feed.ChatRequest(open=feed.SubscribeRequest(positions={s.group: 0})),
    "message.v1.FeedService/WatchConversations": lambda _: feed.WatchConversationsRequest(),
    "message.v1.ReadingService/MarkUnread": lambda s: reading.MarkUnreadRequest(conversation_id=s.group, seq=1),
    "message.v1.ReadingService/MarkDelivered": lambda s: reading.MarkDeliveredRequest(conversation_id=s.group, seq=1),
    "message.v1.ReadingService/MarkThreadRead": lambda s: reading.MarkThreadReadRequest(thread_root=s.message, seq=1),
    "message.v1.ReadingService/GetThread": lambda s: reading.GetThreadRequest(thread_root=s.message),
    "message.v1.ReadingService/ListReceipts": lambda s: reading.ListReceiptsRequest(conversation_id=s.group),
    "message.v1.ReadingService/GetUnread": lambda _: reading.GetUnreadRequest(),
    "message.v1.DraftService/SaveDraft": lambda s: drafts.SaveDraftRequest(conversation_id=s.group, text=NEW),
    "message.v1.DraftService/GetDraft": lambda s: drafts.GetDraftRequest(conversation_id=s.group),
    "message.v1.DraftService/DeleteDraft": lambda s: drafts.DeleteDraftRequest(conversation_id=s.group),
    "message.v1.DraftService/ListDrafts": lambda _: drafts.ListDraftsRequest(),
    "message.v1.ScheduleService/ScheduleMessage": lambda s: schedule.ScheduleMessageRequest(
        message=messages.SendMessageRequest(conversation_id=s.group, text=NEW), send_at=in_an_hour()
    ),
    "message.v1.ScheduleService/ListScheduled": lambda _: schedule.ListScheduledRequest(),
    "message.v1.ScheduleService/GetScheduled": lambda s: schedule.GetScheduledRequest(id=s.planned),
    "message.v1.ScheduleService/UpdateScheduled": lambda s: schedule.UpdateScheduledRequest(id=s.planned, text=NEW),
    "message.v1.ScheduleService/CancelScheduled": lambda s: schedule.CancelScheduledRequest(id=s.planned),
    "message.v1.SearchService/SearchMessages": lambda _: search.SearchMessagesRequest(q=MARK),
    "message.v1.TransferService/ExportConversation": lambda s: transfer.ExportConversationRequest(
        conversation_id=s.group
    ),
    "message.v1.TransferService/ImportMessages": lambda s: transfer.ImportMessagesRequest(
        target=transfer.ImportTarget(conversation_id=s.group)
    ),
    "message.v1.MessageService/SendMessage": lambda s: messages.SendMessageRequest(conversation_id=s.group, text=NEW),
    "message.v1.MessageService/GetMessage": lambda s: messages.GetMessageRequest(id=s.message),
    "message.v1.MessageService/ListMessages": lambda s: messages.ListMessagesRequest(conversation_id=s.group),
    "message.v1.MessageService/EditMessage": lambda s: messages.EditMessageRequest(id=s.message, text=NEW),
    "message.v1.MessageService/DeleteMessage": lambda s: messages.DeleteMessageRequest(id=s.message),
    "message.v1.MessageService/UndeleteMessage": lambda s: messages.UndeleteMessageRequest(id=s.deleted),
    "message.v1.MessageService/ListVersions": lambda s: messages.ListVersionsRequest(id=s.message),
    "message.v1.MessageService/RestoreVersion": lambda s: messages.RestoreVersionRequest(id=s.message, version=1),
    "message.v1.MessageService/ListReplies": lambda s: messages.ListRepliesRequest(id=s.message),
    "message.v1.MessageService/BatchGetMessages": lambda s: messages.BatchGetMessagesRequest(ids=[s.message]),
    "message.v1.MessageService/BatchSendMessages": lambda s: messages.BatchSendMessagesRequest(
        items=[messages.SendMessageRequest(conversation_id=s.group, text=NEW)]
    ),
    "message.v1.MessageService/ForwardMessage": lambda s: messages.ForwardMessageRequest(
        id=s.message, conversation_id=s.group
    ),
    "message.v1.ReactionService/AddReaction": lambda s: reactions.AddReactionRequest(message_id=s.message, emoji="x"),
    "message.v1.ReactionService/RemoveReaction": lambda s: reactions.RemoveReactionRequest(
        message_id=s.message, emoji="x"
    ),
    "message.v1.ReactionService/ListReactions": lambda s: reactions.ListReactionsRequest(message_id=s.message),
    "message.v1.PollService/GetPoll": lambda s: polls.GetPollRequest(message_id=s.poll),
    "message.v1.PollService/Vote": lambda s: polls.VoteRequest(message_id=s.poll, option_ids=["1"]),
    "message.v1.PollService/ClosePoll": lambda s: polls.ClosePollRequest(message_id=s.poll),
    "message.v1.PinService/PinMessage": lambda s: pins.PinMessageRequest(message_id=s.message),
    "message.v1.PinService/UnpinMessage": lambda s: pins.UnpinMessageRequest(message_id=s.message),
    "message.v1.PinService/ListPins": lambda s: pins.ListPinsRequest(conversation_id=s.group),
    "message.v1.BookmarkService/PutBookmark": lambda s: bookmarks.PutBookmarkRequest(message_id=s.message, note=NEW),
    "message.v1.BookmarkService/DeleteBookmark": lambda s: bookmarks.DeleteBookmarkRequest(message_id=s.message),
    "message.v1.BookmarkService/ListBookmarks": lambda _: bookmarks.ListBookmarksRequest(),
    "message.v1.ReportService/ReportMessage": lambda s: reports.ReportMessageRequest(
        message_id=s.message, category=REPORT_CATEGORY_OTHER
    ),
    "message.v1.ReportService/ListReports": lambda _: reports.ListReportsRequest(),
    "message.v1.ReportService/ResolveReport": lambda s: reports.ResolveReportRequest(
        id=s.report, status=REPORT_STATUS_DISMISSED
    ),
    "presence.v1.PresenceService/GetPresence": lambda s: presence.GetPresenceRequest(user_id=s.bystander.id),
    "presence.v1.PresenceService/BatchGetPresences": lambda s: presence.BatchGetPresencesRequest(ids=[s.bystander.id]),
    "presence.v1.PresenceService/SetPresence": lambda _: presence.SetPresenceRequest(message="here"),
    "presence.v1.PresenceService/ListConversationPresences": lambda s: presence.ListConversationPresencesRequest(
        conversation_id=s.group
    ),
    "presence.v1.PresenceService/WatchPresences": lambda s: presence.WatchPresencesRequest(ids=[s.bystander.id]),
    "presence.v1.PresenceService/Heartbeat": lambda s: presence.HeartbeatRequest(
        gateway_id="gateway",
        watch=[presence.WatchedUser(workspace_id=s.bystander.workspace_id, user_id=s.bystander.id)],
    ),
    "user.v1.AccountService/Register": register,
    "user.v1.AccountService/GetMe": lambda _: accounts.GetMeRequest(),
    "user.v1.AccountService/UpdateMe": lambda _: accounts.UpdateMeRequest(bio="bio"),
    "user.v1.AccountService/SetStatus": lambda _: accounts.SetStatusRequest(text="busy"),
    "user.v1.AccountService/DeleteMe": lambda _: accounts.DeleteMeRequest(password=WRONG),
    "user.v1.AccountService/ExportMe": lambda _: accounts.ExportMeRequest(),
    "user.v1.AccountService/GetUser": lambda s: accounts.GetUserRequest(id=s.bystander.id),
    "user.v1.AccountService/ListUsers": lambda _: accounts.ListUsersRequest(q=MARK),
    "user.v1.AccountService/BatchGetUsers": lambda s: accounts.BatchGetUsersRequest(ids=[s.bystander.id]),
    "user.v1.AdministrationService/SuspendUser": lambda s: administration.SuspendUserRequest(id=s.bystander.id),
    "user.v1.AdministrationService/ReactivateUser": lambda s: administration.ReactivateUserRequest(id=s.bystander.id),
    "user.v1.AdministrationService/EraseUser": lambda s: administration.EraseUserRequest(id=s.bystander.id),
    "user.v1.AdministrationService/SetRole": lambda s: administration.SetRoleRequest(
        id=s.bystander.id, role=USER_ROLE_ADMIN
    ),
    "user.v1.AdministrationService/ExportUser": lambda s: administration.ExportUserRequest(id=s.bystander.id),
    "user.v1.AdministrationService/ListAudit": lambda s: administration.ListAuditRequest(user_id=s.bystander.id),
    "user.v1.AdministrationService/VerifyAudit": lambda _: administration.VerifyAuditRequest(),
    "user.v1.AdministrationService/GrantRole": lambda s: administration.GrantRoleRequest(
        username=s.bystander.username, workspace_id=HERE, role=USER_ROLE_ADMIN
    ),
    "user.v1.ApiKeyService/CreateApiKey": lambda _: api_keys.CreateApiKeyRequest(name="key", scopes=["user:read"]),
    "user.v1.ApiKeyService/ListApiKeys": lambda _: api_keys.ListApiKeysRequest(),
    "user.v1.ApiKeyService/RevokeApiKey": lambda s: api_keys.RevokeApiKeyRequest(id=s.key),
    "user.v1.ApiKeyService/IntrospectKey": lambda _: api_keys.IntrospectKeyRequest(hash=bytes(32)),
    "user.v1.BlockService/BlockUser": lambda s: blocks.BlockUserRequest(id=s.newcomer.id),
    "user.v1.BlockService/UnblockUser": lambda s: blocks.UnblockUserRequest(id=s.newcomer.id),
    "user.v1.BlockService/ListBlocks": lambda _: blocks.ListBlocksRequest(),
    "user.v1.BlockService/CheckContact": lambda s: blocks.CheckContactRequest(ids=[s.bystander.id]),
    "user.v1.BotService/CreateBot": lambda _: bots.CreateBotRequest(username=new_name()),
    "user.v1.BotService/ListBots": lambda _: bots.ListBotsRequest(),
    "user.v1.BotService/DeleteBot": lambda s: bots.DeleteBotRequest(id=s.bot),
    "user.v1.BotService/CreateBotKey": lambda s: bots.CreateBotKeyRequest(id=s.bot, name="key", scopes=["user:read"]),
    "user.v1.BotService/ListBotKeys": lambda s: bots.ListBotKeysRequest(id=s.bot),
    "user.v1.BotService/RevokeBotKey": lambda s: bots.RevokeBotKeyRequest(id=s.bot, key_id=s.bot_key),
    "user.v1.CredentialService/VerifyEmail": lambda _: credentials.VerifyEmailRequest(token="x"),
    "user.v1.CredentialService/ResendVerification": lambda _: credentials.ResendVerificationRequest(),
    "user.v1.CredentialService/ChangeEmail": lambda _: credentials.ChangeEmailRequest(
        email=f"{new_name()}@example.com", password=PASSWORD
    ),
    "user.v1.CredentialService/ChangePassword": lambda _: credentials.ChangePasswordRequest(
        password=WRONG, new_password=PASSWORD
    ),
    "user.v1.CredentialService/ForgotPassword": lambda _: credentials.ForgotPasswordRequest(email="x@example.com"),
    "user.v1.CredentialService/ResetPassword": lambda _: credentials.ResetPasswordRequest(
        token="x", new_password=PASSWORD
    ),
    "user.v1.CredentialService/Unlock": lambda _: credentials.UnlockRequest(token="x"),
    "user.v1.KeyService/GetKeys": lambda _: keys.GetKeysRequest(),
    "user.v1.KeyService/RotateKeys": lambda _: keys.RotateKeysRequest(),
    "user.v1.OAuthService/GetProviders": lambda _: oauth.GetProvidersRequest(),
    "user.v1.OAuthService/StartOAuth": lambda _: oauth.StartOAuthRequest(provider="nobody"),
    "user.v1.OAuthService/FinishOAuth": lambda _: oauth.FinishOAuthRequest(provider="nobody", state="x"),
    "user.v1.OAuthService/RedeemHandover": lambda _: oauth.RedeemHandoverRequest(handover="x"),
    "user.v1.RevocationService/WatchRevocations": lambda _: revocations.WatchRevocationsRequest(),
    "user.v1.RevocationService/GetRevocations": lambda _: revocations.GetRevocationsRequest(),
    "user.v1.SecondFactorService/GetSecondFactor": lambda _: factors.GetSecondFactorRequest(),
    "user.v1.SecondFactorService/EnrollTotp": lambda _: factors.EnrollTotpRequest(password=PASSWORD),
    "user.v1.SecondFactorService/ConfirmTotp": lambda _: factors.ConfirmTotpRequest(enrollment="x", code="000000"),
    "user.v1.SecondFactorService/ReplaceRecoveryCodes": lambda _: factors.ReplaceRecoveryCodesRequest(
        password=PASSWORD, code="000000"
    ),
    "user.v1.SecondFactorService/DisableSecondFactor": lambda _: factors.DisableSecondFactorRequest(
        password=PASSWORD, code="000000"
    ),
    "user.v1.SessionService/Login": lambda s: sessions.LoginRequest(username=s.bystander.username, password=PASSWORD),
    "user.v1.SessionService/Refresh": lambda _: sessions.RefreshRequest(refresh_token="x"),
    "user.v1.SessionService/Logout": lambda _: sessions.LogoutRequest(),
    "user.v1.SessionService/ListSessions": lambda _: sessions.ListSessionsRequest(),
    "user.v1.SessionService/RevokeSession": lambda s: sessions.RevokeSessionRequest(id=s.session),
    "user.v1.SessionService/RevokeAllSessions": lambda _: sessions.RevokeAllSessionsRequest(),
    "user.v1.SessionService/CreateTicket": lambda _: sessions.CreateTicketRequest(),
    "user.v1.SessionService/RedeemTicket": lambda _: sessions.RedeemTicketRequest(ticket="x"),
    "user.v1.WorkspaceService/GetWorkspace": lambda _: workspaces.GetWorkspaceRequest(),
    "user.v1.WorkspaceService/CreateWorkspace": lambda _: workspaces.CreateWorkspaceRequest(id=ELSEWHERE),
    "user.v1.WorkspaceService/ListWorkspaces": lambda _: workspaces.ListWorkspacesRequest(),
}

SPENDING = ("Logout", "RevokeAllSessions")
"""Calls that end the session they are made in."""

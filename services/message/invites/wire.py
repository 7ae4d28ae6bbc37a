"""Invitations as the contract shows them."""

from chat.message.v1 import change_pb2, conversation_pb2
from chat.message.v1 import invite_pb2 as pb
from services.message.conversations.domain import Conversation
from services.message.conversations.wire import only_id
from services.message.invites.domain import Invite, Shown
from services.message.messages.wire import ProfileOf, timestamp


def invite_proto(shown: Shown, profile_of: ProfileOf, code: str = "") -> pb.Invite:
    invite = shown.invite
    return pb.Invite(
        id=invite.id,
        conversation_id=invite.conversation_id,
        conversation_name=shown.conversation_name,
        member_count=shown.member_count,
        user_id=invite.user_id,
        code=code,
        role=conversation_pb2.MemberRole.ValueType(invite.role),
        created_by=profile_of(invite.workspace_id, invite.created_by),
        created_at=timestamp(invite.created_at),
        expires_at=timestamp(invite.expires_at),
        max_uses=invite.max_uses,
        uses=invite.uses,
        state=pb.InviteState.ValueType(invite.state),
    )


def invite_body(invite: Invite, conversation: Conversation) -> bytes:
    """Of invite-received and invite-updated. Codes are in no log."""
    shown = Shown(invite, conversation.name, conversation.member_count)
    return change_pb2.ChangeData(invite=invite_proto(shown, only_id)).SerializeToString()

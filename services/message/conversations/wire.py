"""Conversations and members as the contract shows them."""

from collections.abc import Sequence

from chat.message.v1 import conversation_pb2 as pb
from chat.message.v1.message_pb2 import Profile
from services.message.conversations.domain import Conversation, Member
from services.message.conversations.store import View
from services.message.messages.wire import ProfileOf, message_proto, timestamp


def only_id(workspace_id: str, user_id: str) -> Profile:
    """The profile of somebody of whom nothing else is known, or shall be kept."""
    return Profile(id=user_id)


def conversation_proto(conversation: Conversation, members: Sequence[Member], profile_of: ProfileOf) -> pb.Conversation:
    """What all members see alike."""
    return pb.Conversation(
        id=conversation.id,
        type=pb.ConversationType.ValueType(conversation.kind),
        name=conversation.name,
        topic=conversation.topic,
        last_seq=conversation.last_seq,
        last_pos=conversation.last_pos,
        member_count=conversation.member_count,
        members=[member_proto(member, profile_of) for member in members],
        created_by=conversation.created_by,
        created_at=timestamp(conversation.created_at),
        updated_at=timestamp(conversation.updated_at),
        workspace_id=conversation.workspace_id,
        etag=conversation.etag(),
    )


def view_proto(view: View, profile_of: ProfileOf) -> pb.Conversation:
    """What one member sees."""
    proto = conversation_proto(view.conversation, view.members, profile_of)
    proto.etag = view.conversation.etag(view.my.last_read_seq)
    proto.my.role = pb.MemberRole.ValueType(view.my.role)
    proto.my.last_read_seq = view.my.last_read_seq
    proto.my.joined_at.FromDatetime(view.my.joined_at)
    proto.unread_count = view.unread_count
    if view.last_message is not None:
        proto.last_message.CopyFrom(message_proto(view.last_message, profile_of))
    return proto


def member_proto(member: Member, profile_of: ProfileOf) -> pb.Member:
    return pb.Member(
        conversation_id=member.conversation_id,
        user=profile_of(member.workspace_id, member.user_id),
        role=pb.MemberRole.ValueType(member.role),
        joined_at=timestamp(member.joined_at),
        last_read_seq=member.last_read_seq,
    )

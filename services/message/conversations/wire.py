"""Conversations and members as the contract shows them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from chat.message.v1 import conversation_pb2 as pb
from chat.message.v1 import conversation_service_pb2 as service_pb
from chat.message.v1.message_pb2 import Profile
from mesh.moment import read_moment
from services.message.calls import named_in
from services.message.conversations.domain import (
    Conversation,
    JoinPolicy,
    Member,
    Notify,
    Role,
    Visibility,
    is_hidden,
)
from services.message.conversations.store import Listed, View
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
        avatar=conversation.avatar,
        visibility=pb.Visibility.ValueType(conversation.visibility),
        join_policy=pb.JoinPolicy.ValueType(conversation.join_policy),
        permissions=pb.Permissions(
            post=_role(conversation.post_role),
            invite=_role(conversation.invite_role),
            mention_all=_role(conversation.mention_role),
            pin=_role(conversation.pin_role),
        ),
        slow_mode_s=conversation.slow_mode_s,
        archived_at=timestamp(conversation.archived_at),
    )


def view_proto(view: View, profile_of: ProfileOf) -> pb.Conversation:
    """What one member sees."""
    proto = conversation_proto(view.conversation, view.members, profile_of)
    proto.etag = view.conversation.etag(view.my, *[member.seen_by_others for member in view.members])
    proto.my.CopyFrom(membership_proto(view.my, view.conversation.last_seq))
    proto.unread_count, proto.mention_count = view.unread_count, view.mention_count
    if view.last_message is not None:
        proto.last_message.CopyFrom(message_proto(view.last_message, profile_of))
    return proto


def membership_proto(member: Member, last_seq: int) -> pb.Membership:
    """A member's own part; `last_seq` is the conversation's, which tells whether it is hidden still."""
    return pb.Membership(
        role=_role(member.role),
        last_read_seq=member.last_read_seq,
        joined_at=timestamp(member.joined_at),
        last_delivered_seq=member.delivered_seq,
        muted_until=timestamp(member.muted_until),
        notify=pb.NotifyLevel.ValueType(member.notify),
        favourite=member.favourite,
        hidden=is_hidden(member, last_seq),
    )


def member_proto(member: Member, profile_of: ProfileOf) -> pb.Member:
    return pb.Member(
        conversation_id=member.conversation_id,
        user=profile_of(member.workspace_id, member.user_id),
        role=_role(member.role),
        joined_at=timestamp(member.joined_at),
        last_read_seq=member.receipt_seq,
        last_delivered_seq=member.delivered_seq,
        last_seen_at=timestamp(member.last_seen_at),
    )


def channel_proto(listed: Listed) -> service_pb.Channel:
    channel = listed.conversation
    return service_pb.Channel(
        id=channel.id,
        name=channel.name,
        topic=channel.topic,
        avatar=channel.avatar,
        member_count=channel.member_count,
        join_policy=pb.JoinPolicy.ValueType(channel.join_policy),
        joined=listed.is_joined,
        created_at=timestamp(channel.created_at),
    )


def settings_of(
    request: service_pb.CreateConversationRequest | service_pb.UpdateConversationRequest, named: Collection[str]
) -> Mapping[str, Any]:
    """What a request says in the fields that are named, as `with_settings` takes it."""
    roles = request.permissions
    given: dict[str, dict[str, Any]] = {
        "name": {"name": request.name},
        "topic": {"topic": request.topic},
        "avatar": {"avatar": request.avatar},
        "visibility": {"visibility": Visibility(request.visibility or Visibility.PRIVATE)},
        "join_policy": {"join_policy": JoinPolicy(request.join_policy or JoinPolicy.INVITE)},
        "permissions": {
            "post_role": _asked(roles.post),
            "invite_role": _asked(roles.invite),
            "mention_role": _asked(roles.mention_all),
            "pin_role": _asked(roles.pin),
        },
        "slow_mode_s": {"slow_mode_s": request.slow_mode_s},
    }
    return {name: value for field in named for name, value in given[field].items()}


def preferences_of(request: service_pb.SetPreferencesRequest) -> Mapping[str, Any]:
    """What a request says, as `preferring` takes it: what its mask names; without one, what is given.

    Raises Invalid (INVALID_REQUEST) for a moment that is none.
    """
    is_muted = request.HasField("muted_until")
    given = {
        "muted_until": read_moment(request.muted_until, "muted_until") if is_muted else None,
        "notify": Notify(request.notify or Notify.ALL),
        "favourite": request.favourite,
        "hidden": request.hidden,
    }
    return {name: given[name] for name in named_in(request, given)}


def _asked(role: pb.MemberRole.ValueType) -> Role | None:
    return Role(role) if role else None


def _role(role: Role) -> pb.MemberRole.ValueType:
    return pb.MemberRole.ValueType(role)

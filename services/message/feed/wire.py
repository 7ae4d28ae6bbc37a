"""Changes as the contract shows them, and the bodies that logs keep of them."""

from collections.abc import Sequence
from datetime import datetime

from chat.message.v1 import change_pb2 as pb
from chat.message.v1 import feed_service_pb2 as feed_pb
from chat.message.v1.message_pb2 import Profile
from services.message.conversations.domain import Conversation, Member, ReadMark
from services.message.conversations.wire import conversation_proto, member_proto, membership_proto, only_id
from services.message.feed.domain import POLL_UPDATED, Change, Missed
from services.message.messages.wire import ProfileOf, fill_message, poll_state_proto, set_timestamp, timestamp
from services.message.messages.wire import profile_ids as message_profile_ids


def change_proto(change: Change, profile_of: ProfileOf) -> pb.Change:
    """The change with the present profiles of whom it names."""
    origin, message = change.origin, change.message
    proto = pb.Change(
        event_id=change.event_id,
        type=change.type,
        conversation_id=change.conversation_id,
        pos=change.pos,
        user_pos=change.user_pos,
        actor_id=origin.actor_id,
        trace_id=origin.trace_id,
        correlation_id=origin.correlation_id,
    )
    set_timestamp(proto.ts, change.at)
    if message is None:
        _read_body(proto.data, change, profile_of)
        proto.seq = proto.data.reaction.seq or proto.data.pinned.seq
        return proto
    proto.seq, proto.client_msg_id = message.seq, message.client_msg_id
    if change.type == POLL_UPDATED:  # It keeps no body, so that a text that is erased does not come back by it.
        proto.data.poll.CopyFrom(poll_state_proto(message))
    else:
        fill_message(proto.data.message, message, profile_of)
    return proto


def profile_ids(change: Change) -> set[str]:
    """Whose profiles `change_proto` shows."""
    if change.message is not None:
        return message_profile_ids(change.message)
    data = pb.ChangeData.FromString(change.body)
    return {profile.id for profile in _profiles(data)}


def snapshot_body(conversation: Conversation, members: Sequence[Member] = ()) -> bytes:
    """Of conversation-created, -updated, -added and -removed."""
    return pb.ChangeData(conversation=conversation_proto(conversation, members, only_id)).SerializeToString()


def member_body(member: Member) -> bytes:
    """Of member-added, -updated and -removed."""
    return pb.ChangeData(member=member_proto(member, only_id)).SerializeToString()


def receipt_proto(member: Member) -> pb.Receipt:
    """What others see of a member's marks."""
    return pb.Receipt(user_id=member.user_id, last_read_seq=member.receipt_seq, last_delivered_seq=member.delivered_seq)


def receipt_body(member: Member) -> bytes:
    """Of receipt-read and receipt-delivered."""
    return pb.ChangeData(receipt=receipt_proto(member)).SerializeToString()


def typing_body(user_id: str, expires_at: datetime | None, thread_root: str) -> bytes:
    """Of typing; of stop-typing without a time."""
    typing = pb.Typing(user_id=user_id, expires_at=timestamp(expires_at), thread_root=thread_root)
    return pb.ChangeData(typing=typing).SerializeToString()


def unread_body(mark: ReadMark) -> bytes:
    """Of unread-updated."""
    unread = pb.Unread(
        last_read_seq=mark.last_read_seq, unread_count=mark.unread_count, mention_count=mark.mention_count
    )
    return pb.ChangeData(unread=unread).SerializeToString()


def limited_proto(missed: Missed) -> feed_pb.Limited:
    return feed_pb.Limited(
        conversation_id=missed.conversation_id,
        from_pos=missed.from_pos,
        to_pos=missed.to_pos,
        last_seq=missed.last_seq,
    )


def membership_body(member: Member, last_seq: int) -> bytes:
    """Of preferences-updated and delivered-updated. `last_seq` is the conversation's."""
    return pb.ChangeData(membership=membership_proto(member, last_seq)).SerializeToString()


def _read_body(data: pb.ChangeData, change: Change, profile_of: ProfileOf) -> None:
    data.ParseFromString(change.body)
    for profile in _profiles(data):
        profile.CopyFrom(profile_of(change.origin.workspace_id, profile.id))


def _profiles(data: pb.ChangeData) -> Sequence[Profile]:
    kind = data.WhichOneof("kind")
    if kind == "conversation":
        return [member.user for member in data.conversation.members]
    if kind == "member":
        return [data.member.user]
    if kind == "ban":
        return [data.ban.user, data.ban.banned_by]
    if kind == "report":
        return [data.report.reporter, *([data.report.resolved_by] if data.report.resolved_by.id else [])]
    return [data.invite.created_by] if kind == "invite" else []

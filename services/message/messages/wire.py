"""Messages as the contract shows them, and as it asks for them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1 import message_pb2 as pb
from chat.message.v1 import poll_pb2 as poll_pb
from chat.message.v1.change_pb2 import ChangeData, Pinned
from chat.message.v1.message_service_pb2 import ForwardMessageRequest, MessageVersion, SendMessageRequest
from mesh.moment import read_moment
from mesh.schema import EPOCH, MICROSECOND
from services.message.command import Origin
from services.message.messages.domain import (
    NOBODY,
    Format,
    ForwardMessage,
    LinkPreview,
    Mentions,
    Message,
    Poll,
    PollOption,
    Reaction,
    SendMessage,
    Version,
    fingerprint,
)
from services.message.messages.markdown import render

ProfileOf = Callable[[str, str], pb.Profile]
"""The profile of a user, as far as it is known: by workspace id and user id."""


def message_proto(message: Message, profile_of: ProfileOf) -> pb.Message:
    proto = pb.Message()
    fill_message(proto, message, profile_of)
    return proto


def fill_message(proto: pb.Message, message: Message, profile_of: ProfileOf) -> None:
    """Makes an empty `proto` that of a message, wherever it stands."""
    proto.id = message.id
    proto.conversation_id = message.conversation_id
    proto.seq = message.seq
    proto.sender.CopyFrom(profile_of(message.workspace_id, message.sender_id))
    proto.client_msg_id = message.client_msg_id
    proto.text = message.text
    proto.version = message.version
    proto.etag = message.etag
    proto.format = pb.MessageFormat.ValueType(message.format)
    set_timestamp(proto.created_at, message.created_at)
    if not message.is_bare:
        proto.MergeFrom(_more(message, profile_of))


def _more(message: Message, profile_of: ProfileOf) -> pb.Message:
    """What most messages do without."""
    return pb.Message(
        reply_to=message.reply_to,
        edited_at=timestamp(message.edited_at),
        deleted_at=timestamp(message.deleted_at),
        deleted_by=message.deleted_by,
        metadata=message.metadata,
        html=message.html,
        attachments=_attachments(message.attachments),
        mentions=_mentions(message.mentions),
        thread=_thread(message),
        reactions=[reaction_proto(reaction) for reaction in message.reactions],
        pinned_at=timestamp(message.pinned_at),
        silent=message.silent,
        undelete_until=timestamp(message.undelete_until),
        expires_at=timestamp(message.expires_at),
        forwarded=_forwarded(message, profile_of),
        previews=[_preview(preview) for preview in message.previews],
        poll=poll_proto(message.poll) if message.poll else None,
    )


def profile_ids(message: Message) -> set[str]:
    """Whose profiles `message_proto` shows."""
    return {message.sender_id} if message.forwarded is None else {message.sender_id, message.forwarded.sender_id}


def version_proto(version: Version) -> MessageVersion:
    return MessageVersion(
        version=version.version, text=version.text, html=version.html, created_at=timestamp(version.at)
    )


def reaction_proto(reaction: Reaction) -> pb.Reaction:
    return pb.Reaction(emoji=reaction.emoji, count=reaction.count, user_ids=reaction.user_ids)


def poll_proto(poll: Poll) -> poll_pb.Poll:
    return poll_pb.Poll(
        question=poll.question,
        options=[
            poll_pb.PollOption(id=str(number), text=option.text, votes=option.votes, user_ids=option.user_ids)
            for number, option in enumerate(poll.options, 1)
        ],
        multiple=poll.multiple,
        anonymous=poll.anonymous,
        closes_at=timestamp(poll.closes_at),
        closed_at=timestamp(poll.closed_at),
        voter_count=poll.voter_count,
    )


def poll_state_proto(message: Message) -> poll_pb.PollState:
    """How the poll of a message stands, also when it went with the message."""
    return poll_pb.PollState(
        message_id=message.id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        poll=poll_proto(message.poll) if message.poll else None,
    )


def thread_proto(root: Message) -> pb.Thread:
    """The thread that hangs on a message."""
    return pb.Thread(root_id=root.id, reply_count=root.reply_count, last_seq=root.last_reply_seq)


def thread_body(root: Message) -> bytes:
    """Of thread-updated."""
    return ChangeData(thread=thread_proto(root)).SerializeToString()


def pinned_body(message: Message) -> bytes:
    """Of message-pinned and message-unpinned."""
    pinned = Pinned(message_id=message.id, seq=message.seq, pinned_at=timestamp(message.pinned_at))
    return ChangeData(pinned=pinned).SerializeToString()


def send_command(request: SendMessageRequest, origin: Origin, id_: str) -> SendMessage:
    """What a request asks for. `id_` becomes the message's, and the sender's own for it when they give none."""
    metadata, attachments = dict(request.metadata), tuple(dict.fromkeys(a.file_id for a in request.attachments))
    form = Format(request.format or Format.PLAIN)
    mentions = mentions_of(request.mentions) if request.HasField("mentions") else NOBODY
    poll = _poll(request.poll) if request.HasField("poll") else None
    said = fingerprint(
        request.text,
        request.reply_to,
        metadata,
        format=form if form is not Format.PLAIN else None,
        attachments=attachments,
        user_ids=sorted(mentions.user_ids),
        group_ids=sorted(mentions.group_ids),
        all=mentions.all,
        here=mentions.here,
        thread_root=request.thread_root,
        silent=request.silent,
        expires_in_s=request.expires_in_s,
        poll=poll and _asked(poll),
    )
    return SendMessage(
        origin=origin,
        id=id_,
        conversation_id=request.conversation_id,
        client_msg_id=request.client_msg_id or id_,
        text=request.text,
        reply_to=request.reply_to,
        metadata=metadata,
        fingerprint=said,
        format=form,
        html=render(request.text) if form is Format.MARKDOWN else "",
        attachments=attachments,
        mentions=mentions,
        thread_root=request.thread_root,
        silent=request.silent,
        expires_in_s=request.expires_in_s,
        poll=poll,
    )


def forward_command(request: ForwardMessageRequest, origin: Origin, id_: str) -> ForwardMessage:
    """As `send_command`."""
    return ForwardMessage(
        origin=origin,
        id=id_,
        conversation_id=request.conversation_id,
        client_msg_id=request.client_msg_id or id_,
        text=request.comment,
        reply_to="",
        metadata={},
        fingerprint=fingerprint(request.comment, "", {}, forwarded=request.id),
        message_id=request.id,
    )


def mentions_of(mentions: pb.Mentions) -> Mentions:
    found = Mentions(tuple(mentions.user_ids), tuple(mentions.group_ids), mentions.all, mentions.here)
    return NOBODY if found == NOBODY else found


def _thread(message: Message) -> pb.Thread | None:
    if message.thread_root:
        return pb.Thread(root_id=message.thread_root)
    return thread_proto(message) if message.last_reply_seq else None


def _forwarded(message: Message, profile_of: ProfileOf) -> pb.Forwarded | None:
    forwarded = message.forwarded
    if forwarded is None:
        return None
    return pb.Forwarded(
        message_id=forwarded.message_id,
        conversation_id=forwarded.conversation_id,
        sender=profile_of(message.workspace_id, forwarded.sender_id),
        created_at=timestamp(forwarded.created_at),
        text=forwarded.text,
        format=pb.MessageFormat.ValueType(forwarded.format),
        html=forwarded.html,
        attachments=_attachments(forwarded.attachments),
    )


def _preview(preview: LinkPreview) -> pb.LinkPreview:
    return pb.LinkPreview(
        url=preview.url,
        title=preview.title,
        description=preview.description,
        site_name=preview.site_name,
        image_url=preview.image_url,
    )


def _poll(poll: poll_pb.NewPoll) -> Poll:
    """Raises Invalid (INVALID_REQUEST)."""
    return Poll(
        poll.question,
        tuple(PollOption(text) for text in poll.options),
        multiple=poll.multiple,
        anonymous=poll.anonymous,
        closes_at=read_moment(poll.closes_at, "poll.closes_at") if poll.HasField("closes_at") else None,
    )


def _asked(poll: Poll) -> tuple[object, ...]:
    """What a new poll says, for the fingerprint."""
    closes_at = poll.closes_at.isoformat() if poll.closes_at else ""
    return poll.question, [option.text for option in poll.options], poll.multiple, poll.anonymous, closes_at


def _attachments(file_ids: Sequence[str]) -> list[pb.Attachment]:
    return [pb.Attachment(file_id=file_id) for file_id in file_ids]


def _mentions(mentions: Mentions) -> pb.Mentions | None:
    if mentions == NOBODY:
        return None
    return pb.Mentions(user_ids=mentions.user_ids, group_ids=mentions.group_ids, all=mentions.all, here=mentions.here)


def timestamp(at: datetime | None) -> Timestamp | None:
    if at is None:
        return None
    proto = Timestamp()
    set_timestamp(proto, at)
    return proto


def set_timestamp(proto: Timestamp, at: datetime) -> None:
    """As `FromDatetime`, which takes three times as long. `at` is aware."""
    proto.seconds, microseconds = divmod((at - EPOCH) // MICROSECOND, 1_000_000)
    proto.nanos = microseconds * 1000

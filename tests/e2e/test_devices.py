"""Two devices of one user: what is done on one reaches the other as an event, after which its copy needs no asking."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message as Proto
from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1 import bookmark_service_pb2 as bookmarks
from chat.message.v1 import conversation_service_pb2 as conversations
from chat.message.v1 import draft_service_pb2 as drafts
from chat.message.v1 import invite_service_pb2 as invites
from chat.message.v1 import message_service_pb2 as messages
from chat.message.v1 import pin_service_pb2 as pins
from chat.message.v1 import reaction_service_pb2 as reactions
from chat.message.v1 import reading_service_pb2 as reading
from chat.message.v1 import report_service_pb2 as reports
from chat.message.v1 import schedule_service_pb2 as schedule
from chat.message.v1.change_pb2 import Change, Unread
from chat.message.v1.conversation_pb2 import Conversation, Membership
from chat.message.v1.message_pb2 import Message
from chat.message.v1.report_pb2 import REPORT_CATEGORY_SPAM
from chat.message.v1.scheduled_pb2 import SCHEDULED_STATE_CANCELLED
from tests.e2e.clients import Clients, Socket, User
from tests.e2e.doors import RestDoor, parsed
from tests.model.replica import Copy, Replica

Equal = tuple[Any, Any]
"""What the other device has then, and what the server says."""


@dataclass
class Play:
    """Alice with two devices, and Bob, in a group with a message of each. `other` is the socket of her other device."""

    door: RestDoor
    alice: User
    bob: User
    group: str
    other: Socket
    mine: Message = field(default_factory=Message)
    his: Message = field(default_factory=Message)

    async def does(self, method: str, request: Proto, who: User | None = None) -> Any:
        return await self.door.call(f"message.v1.{method}", request, (who or self.alice).token)

    async def told(self, kind: str, where: Callable[[Any], bool] = lambda event: True) -> Change:
        change: Change = parsed(Change, await self.other.until(kind, where=where))
        return change

    async def says(self, who: User, text: str, **fields: Any) -> Message:
        request = messages.SendMessageRequest(conversation_id=self.group, text=text, **fields)
        message: Message = (await self.does("MessageService/SendMessage", request, who)).message
        return message

    async def message(self, id_: str) -> Message:
        message: Message = (await self.does("MessageService/GetMessage", messages.GetMessageRequest(id=id_))).message
        return message

    async def conversation(self) -> Conversation:
        request = conversations.GetConversationRequest(id=self.group)
        found: Conversation = (await self.does("ConversationService/GetConversation", request)).conversation
        return found

    async def follows(self, before: Message, kind: str) -> Equal:
        """The copy of a message after an event, beside the message. An etag is only told with a whole message."""
        replica = Replica(0, {})
        replica.copies[self.group] = Copy(messages={before.seq: before})
        replica.apply(await self.told(kind))
        copy, now = replica.copies[self.group].messages[before.seq], await self.message(before.id)
        if kind not in ("message-new", "message-updated", "message-deleted"):
            copy.etag = now.etag = ""
        return copy, now


@pytest.fixture
async def play(clients: Clients) -> Play:
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    play = Play(RestDoor(clients.rest), alice, bob, group, await clients.connect(alice))
    play.mine, play.his = await play.says(alice, "mine"), await play.says(bob, "his")
    await play.other.until("message-new", where=lambda event: event["seq"] == play.his.seq)
    play.other.events.clear()
    return play


async def send(play: Play) -> Equal:
    sent = await play.says(play.alice, "new")
    return await play.follows(sent, "message-new")


async def edit(play: Play) -> Equal:
    await play.does("MessageService/EditMessage", messages.EditMessageRequest(id=play.mine.id, text="edited"))
    return await play.follows(play.mine, "message-updated")


async def delete(play: Play) -> Equal:
    await play.does("MessageService/DeleteMessage", messages.DeleteMessageRequest(id=play.mine.id))
    return await play.follows(play.mine, "message-deleted")


async def undelete(play: Play) -> Equal:
    await delete(play)
    before = await play.message(play.mine.id)
    await play.does("MessageService/UndeleteMessage", messages.UndeleteMessageRequest(id=play.mine.id))
    return await play.follows(before, "message-updated")


async def react(play: Play) -> Equal:
    await play.does("ReactionService/AddReaction", reactions.AddReactionRequest(message_id=play.his.id, emoji="👍"))
    return await play.follows(play.his, "reaction-added")


async def unreact(play: Play) -> Equal:
    before, _ = await react(play)
    request = reactions.RemoveReactionRequest(message_id=play.his.id, emoji="👍")
    await play.does("ReactionService/RemoveReaction", request)
    return await play.follows(before, "reaction-removed")


async def pin(play: Play) -> Equal:
    await play.does("PinService/PinMessage", pins.PinMessageRequest(message_id=play.his.id))
    return await play.follows(play.his, "message-pinned")


async def unpin(play: Play) -> Equal:
    before, _ = await pin(play)
    await play.does("PinService/UnpinMessage", pins.UnpinMessageRequest(message_id=play.his.id))
    return await play.follows(before, "message-unpinned")


async def reply(play: Play) -> Equal:
    await play.says(play.alice, "in a thread", thread_root=play.his.id)
    return await play.follows(play.his, "thread-updated")


async def read(play: Play) -> Equal:
    request = conversations.MarkReadRequest(conversation_id=play.group, seq=play.his.seq)
    await play.does("ConversationService/MarkRead", request)
    return (await play.told("unread-updated")).data.unread, await unread_of(play)


async def unread(play: Play) -> Equal:
    await read(play)
    play.other.events.clear()
    await play.does("ReadingService/MarkUnread", reading.MarkUnreadRequest(conversation_id=play.group, seq=1))
    return (await play.told("unread-updated")).data.unread, await unread_of(play)


async def unread_of(play: Play) -> Unread:
    now = await play.conversation()
    return Unread(last_read_seq=now.my.last_read_seq, unread_count=now.unread_count, mention_count=now.mention_count)


async def delivered(play: Play) -> Equal:
    request = reading.MarkDeliveredRequest(conversation_id=play.group, seq=play.his.seq)
    await play.does("ReadingService/MarkDelivered", request)
    return (await play.told("delivered-updated")).data.membership, (await play.conversation()).my


def prefer(**fields: Any) -> Callable[[Play], Awaitable[Equal]]:
    async def change(play: Play) -> Equal:
        mask = FieldMask(paths=list(fields))
        request = conversations.SetPreferencesRequest(id=play.group, update_mask=mask, **fields)
        await play.does("ConversationService/SetPreferences", request)
        told: Membership = (await play.told("preferences-updated")).data.membership
        return told, (await play.conversation()).my

    return change


async def draft(play: Play) -> Equal:
    request = drafts.SaveDraftRequest(conversation_id=play.group, text="begun", reply_to=play.his.id)
    await play.does("DraftService/SaveDraft", request)
    return (await play.told("draft-updated")).data.draft, await draft_of(play)


async def forget_draft(play: Play) -> Equal:
    await draft(play)
    play.other.events.clear()
    await play.does("DraftService/DeleteDraft", drafts.DeleteDraftRequest(conversation_id=play.group))
    told, now = (await play.told("draft-updated")).data.draft, await draft_of(play)
    return (told.text, told.reply_to), (now.text, now.reply_to)


async def draft_of(play: Play) -> Any:
    return (await play.does("DraftService/GetDraft", drafts.GetDraftRequest(conversation_id=play.group))).draft


async def bookmark(play: Play) -> Equal:
    await play.does("BookmarkService/PutBookmark", bookmarks.PutBookmarkRequest(message_id=play.his.id, note="look"))
    told = (await play.told("bookmark-updated")).data.bookmark
    (now,) = (await play.does("BookmarkService/ListBookmarks", bookmarks.ListBookmarksRequest())).items
    now.message.CopyFrom(Message(id=now.message.id, conversation_id=now.message.conversation_id, seq=now.message.seq))
    return told, now


async def forget_bookmark(play: Play) -> Equal:
    await bookmark(play)
    play.other.events.clear()
    await play.does("BookmarkService/DeleteBookmark", bookmarks.DeleteBookmarkRequest(message_id=play.his.id))
    told = (await play.told("bookmark-updated")).data.bookmark
    left = (await play.does("BookmarkService/ListBookmarks", bookmarks.ListBookmarksRequest())).items
    return (told.message.id, told.removed), (play.his.id, not left)


async def plan(play: Play) -> Equal:
    send_at = Timestamp()
    send_at.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    message = messages.SendMessageRequest(conversation_id=play.group, text="later")
    request = schedule.ScheduleMessageRequest(message=message, send_at=send_at)
    await play.does("ScheduleService/ScheduleMessage", request)
    return await planned(play)


async def cancel(play: Play) -> Equal:
    waiting, _ = await plan(play)
    play.other.events.clear()
    await play.does("ScheduleService/CancelScheduled", schedule.CancelScheduledRequest(id=waiting.id))
    told = (await play.told("scheduled-updated")).data.scheduled
    left = (await play.does("ScheduleService/ListScheduled", schedule.ListScheduledRequest())).items
    return (told.id, told.state, list(left)), (waiting.id, SCHEDULED_STATE_CANCELLED, [])


async def planned(play: Play) -> Equal:
    told = (await play.told("scheduled-updated")).data.scheduled
    return told, (await play.does("ScheduleService/GetScheduled", schedule.GetScheduledRequest(id=told.id))).scheduled


async def invited(play: Play) -> Any:
    """Bob invites her to another group of his."""
    new = conversations.CreateConversationRequest(type=2, name="another")  # type: ignore[arg-type]
    other = (await play.does("ConversationService/CreateConversation", new, play.bob)).conversation.id
    request = invites.CreateInviteRequest(conversation_id=other, user_id=play.alice.id)
    await play.does("InviteService/CreateInvite", request, play.bob)
    told = (await play.told("invite-received")).data.invite
    (now,) = (await play.does("InviteService/ListMyInvites", invites.ListMyInvitesRequest())).items
    assert told == now
    return told


async def decline(play: Play) -> Equal:
    invite = await invited(play)
    await play.does("InviteService/DeclineInvite", invites.DeclineInviteRequest(id=invite.id))
    told = (await play.told("invite-updated")).data.invite
    left = (await play.does("InviteService/ListMyInvites", invites.ListMyInvitesRequest())).items
    return (told.id, told.state, list(left)), (invite.id, 3, [])


async def accept(play: Play) -> Equal:
    invite = await invited(play)
    await play.does("InviteService/AcceptInvite", invites.AcceptInviteRequest(id=invite.id))
    told = (await play.told("invite-updated")).data.invite
    assert (told.id, told.state) == (invite.id, 2)
    added = (await play.told("conversation-added")).data.conversation
    request = conversations.GetConversationRequest(id=invite.conversation_id)
    now = (await play.does("ConversationService/GetConversation", request)).conversation
    for name in ("my", "unread_count", "mention_count", "etag"):  # One's own part is not in what everybody is told.
        now.ClearField(name)
    added.ClearField("etag")
    return added, now


async def read_thread(play: Play) -> Equal:
    said = await play.says(play.bob, "in a thread", thread_root=play.mine.id)
    request = reading.MarkThreadReadRequest(thread_root=play.mine.id, seq=said.seq)
    await play.does("ReadingService/MarkThreadRead", request)
    now = await play.does("ReadingService/GetThread", reading.GetThreadRequest(thread_root=play.mine.id))
    return (await play.told("thread-read")).data.thread_mark, now.mark


async def report(play: Play) -> Equal:
    request = reports.ReportMessageRequest(message_id=play.his.id, category=REPORT_CATEGORY_SPAM, comment="look")
    await play.does("ReportService/ReportMessage", request)
    told = (await play.told("report-updated")).data.report
    return told, (await play.does("ReportService/ReportMessage", request)).report


async def rename(play: Play) -> Equal:
    request = conversations.UpdateConversationRequest(id=play.group, name="renamed", topic="anew")
    request.update_mask.paths.extend(["name", "topic"])
    await play.does("ConversationService/UpdateConversation", request)
    told, now = (await play.told("conversation-updated")).data.conversation, await play.conversation()
    for name in ("my", "unread_count", "mention_count", "etag", "last_message"):
        now.ClearField(name)
        told.ClearField(name)
    return told, now


UNTIL = Timestamp(seconds=4_000_000_000)
CHANGES = [
    *(send, edit, delete, undelete, react, unreact, pin, unpin, reply, read, unread, delivered),
    *(draft, forget_draft, bookmark, forget_bookmark, plan, cancel, accept, decline, read_thread, report, rename),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_the_other_device_needs_no_asking(change: Callable[[Play], Awaitable[Equal]], play: Play) -> None:
    """Its copy, after the event, is what the server says."""
    copy, now = await change(play)
    assert copy == now


@pytest.mark.parametrize(
    "fields",
    [{"muted_until": UNTIL}, {"hidden": True}, {"favourite": True}, {"notify": 2}],
    ids=lambda f: next(iter(f)),
)
async def test_preferences_are_the_same_on_both(fields: dict[str, Any], play: Play) -> None:
    """Each of them alone; the others stay."""
    copy, now = await prefer(**fields)(play)
    assert copy == now

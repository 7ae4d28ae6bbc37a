"""The log as an outbox: what it hands to the bus, in which order, and for how long."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from chat.event.v1 import message_events_pb2 as events
from chat.message.v1.message_pb2 import Profile
from mesh.audit.log import Trail
from mesh.database import Database
from mesh.events.outbox import Outbox
from mesh.telemetry.metrics import Metrics, new_registry
from services.message import outbox_sql
from services.message.bans.domain import BanUser, UnbanUser
from services.message.bookmarks.domain import PutBookmark
from services.message.conversations.domain import ArchiveConversation, DeleteConversation, Role
from services.message.journal_sql import SqlJournal
from services.message.outbox_sql import SqlOutbox, SqlReceipts
from services.message.pins.domain import PinMessage, UnpinMessage
from services.message.reactions.domain import React
from services.message.reading.domain import MarkDelivered, MarkUnread
from services.message.writer import Writer
from tests.contract.message.desk import A, B, Clock, Desk
from tests.contract.message.plans import plan_of


@pytest.fixture
async def outbox(database: Database, desk: Desk) -> AsyncIterator[Outbox]:
    async with Writer(desk.journal, lambda command, outcome: None, Metrics(new_registry())) as writer:
        yield SqlOutbox(
            database, writer, lambda workspace_id, user_id: Profile(id=user_id, username=f"name of {user_id}")
        )


@pytest.fixture
async def receipts(database: Database, desk: Desk) -> AsyncIterator[Outbox]:
    async with Writer(desk.journal, lambda command, outcome: None, Metrics(new_registry())) as writer:
        yield SqlReceipts(database, writer)


async def test_what_nobody_hears_is_not_kept_to_be_published(
    database: Database, clock: Clock, trail: Trail, outbox: Outbox, receipts: Outbox
) -> None:
    """Who comes later gets what is committed from then on."""
    heard = False
    desk = Desk(SqlJournal(database, clock, trail, is_heard=lambda: heard))
    await desk.group(A)
    await desk.do(desk.send(A), desk.read(A, 1))
    assert await outbox.unpublished(100) == await receipts.unpublished(100) == []
    heard = True
    await desk.do(desk.send(A), desk.read(A, 2))
    assert [row.type for row in await outbox.unpublished(100)] == ["message.persisted"]
    assert [row.type for row in await receipts.unpublished(100)] == ["receipt.read"]


async def test_every_durable_change_of_a_conversation_becomes_an_event(desk: Desk, outbox: Outbox) -> None:
    """Once, in order; marks of reading are nobody's business but the reader's."""
    await desk.group(A)
    message = await desk.sent(A, "hello")
    await desk.do(desk.edit(A, message.id, "new"), desk.delete(A, message.id), desk.rename(A, "x"), desk.add(A, B))
    await desk.do(desk.promote(A, B, Role.ADMIN), desk.read(B, 1), desk.remove(A, B))
    rows = await outbox.unpublished(100)
    assert [row.type for row in rows] == [
        "conversation.created",
        "message.persisted",
        "message.updated",
        "message.deleted",
        "conversation.updated",
        "conversation.member_added",
        "conversation.member_updated",
        "conversation.member_removed",
    ]
    assert [row.event_id for row in rows] == [f"g:{pos}" for pos in range(1, 9)]
    assert {(row.topic, row.key) for row in rows} == {("chat.message.events", "g")}
    assert sorted(row.id for row in rows) == [row.id for row in rows]
    assert events.MemberRemoved.FromString(rows[-1].data).member.user.username == f"name of {B}"


async def test_what_hangs_on_a_message_is_told_too(desk: Desk, outbox: Outbox) -> None:
    """Each with what a feed tells of it. What somebody keeps for themselves is nobody's business."""
    await desk.group(A, B)
    root = await desk.sent(A)
    await desk.do(*[React(desk.origin(B), root.id, "+1", is_there=there) for there in (True, False)])
    await desk.do(PinMessage(desk.origin(B), root.id), UnpinMessage(desk.origin(B), root.id))
    await desk.do(desk.send(B, thread_root=root.id), PutBookmark(desk.origin(B), root.id, ""))
    rows = (await outbox.unpublished(100))[2:]
    assert [row.type for row in rows] == [
        *("message.reacted", "message.unreacted", "message.pinned", "message.unpinned"),
        *("message.persisted", "message.thread_updated"),
    ]
    assert events.MessageReacted.FromString(rows[0].data).reaction.reaction.user_ids == [B]
    assert events.ThreadUpdated.FromString(rows[-1].data).thread.reply_count == 1


async def test_what_becomes_of_a_conversation_is_told_too(desk: Desk, outbox: Outbox) -> None:
    """Bans without their reasons; and its end, though nobody is in it any more."""
    await desk.group(A, B)
    await desk.do(*[ArchiveConversation(desk.origin(A), "g", is_archived=on) for on in (True, False)])
    await desk.do(BanUser(desk.origin(A), "g", B, "spam", None), UnbanUser(desk.origin(A), "g", B))
    await desk.do(DeleteConversation(desk.origin(A), "g"))
    rows = await outbox.unpublished(100)
    assert [row.type for row in rows[1:]] == [
        "conversation.archived",
        "conversation.unarchived",
        "conversation.member_removed",
        "conversation.member_banned",
        "conversation.member_unbanned",
        "conversation.deleted",
    ]
    ban = events.MemberBanned.FromString(rows[4].data).ban
    assert (ban.user.username, ban.banned_by.username, ban.reason) == (f"name of {B}", f"name of {A}", "")


async def test_an_event_tells_of_the_message_and_the_call(desk: Desk, outbox: Outbox, clock: Clock) -> None:
    """With its place, its trace and its correlation id."""
    await desk.group(A)
    message = await desk.sent(A, "hello")
    row = (await outbox.unpublished(100))[-1]
    event = events.MessagePersisted.FromString(row.data)
    assert (event.pos, event.message.id, event.message.text) == (2, message.id, "hello")
    assert event.message.sender.username == f"name of {A}"
    assert (row.correlation_id, row.traceparent[:2]) == ("correlation", "00")
    assert (row.time, row.time.utcoffset()) == (clock.now, timedelta(0))


async def test_marked_rows_do_not_come_again(desk: Desk, outbox: Outbox) -> None:
    """The others do, oldest first, up to the limit."""
    await desk.group(A)
    await desk.do(*[desk.send(A) for _ in range(4)])
    first = await outbox.unpublished(2)
    assert [row.event_id for row in first] == ["g:1", "g:2"]
    assert await outbox.unpublished(2) == first
    await outbox.mark_published([row.id for row in first])
    await outbox.mark_published([first[0].id, 10_000])
    assert [row.event_id for row in await outbox.unpublished(2)] == ["g:3", "g:4"]
    await outbox.mark_published([])
    assert len(await outbox.unpublished(100)) == 3


async def test_what_was_read_and_received_becomes_events(desk: Desk, receipts: Outbox) -> None:
    """With the marks as others see them, once; what is one's own business does not."""
    await desk.group(A, B)
    await desk.do(*[desk.send(A, str(i)) for i in range(1, 5)])
    await desk.do(MarkDelivered(desk.origin(B), "g", 4), desk.read(B, 2))
    await desk.do(MarkUnread(desk.origin(B), "g", 1), desk.read(B, 2))
    rows = await receipts.unpublished(100)
    assert [(row.type, row.topic, row.key, row.event_id) for row in rows] == [
        ("receipt.delivered", "chat.message.events", "g", f"{B}:2"),
        ("receipt.read", "chat.message.events", "g", f"{B}:3"),
    ]
    delivered, read = events.ReceiptDelivered.FromString(rows[0].data), events.ReceiptRead.FromString(rows[1].data)
    for event in (delivered, read):
        assert (event.conversation_id, event.receipt.user_id) == ("g", B)
        assert (event.receipt.last_read_seq, event.receipt.last_delivered_seq) == (2, 4)
    assert (delivered.pos, read.pos, rows[1].correlation_id) == (2, 3, "correlation")
    await receipts.mark_published([rows[0].id])
    await receipts.mark_published([rows[0].id, ("nobody", 7)])
    assert [row.event_id for row in await receipts.unpublished(100)] == [f"{B}:3"]
    await receipts.mark_published([])


async def test_a_receipt_of_who_has_left_tells_what_was_said(desk: Desk, receipts: Outbox) -> None:
    """There are no marks any more."""
    await desk.group(A, B)
    await desk.sent(A)
    await desk.do(desk.read(B, 1), desk.remove(A, B))
    (row,) = await receipts.unpublished(100)
    receipt = events.ReceiptRead.FromString(row.data).receipt
    assert (receipt.user_id, receipt.last_read_seq, receipt.last_delivered_seq) == (B, 1, 1)


async def test_waiting_events_are_found_by_an_index(database: Database) -> None:
    """However long the logs are."""
    changes = plan_of(database, outbox_sql._UNPUBLISHED, {"count": 10})
    receipts = plan_of(database, outbox_sql._UNPUBLISHED_RECEIPTS, {"count": 10})
    assert "ix_changes_unpublished" in changes
    assert "ix_user_changes_unpublished" in receipts


async def test_an_erased_text_is_not_published_late(desk: Desk, outbox: Outbox) -> None:
    """An event that waits tells the present state."""
    await desk.group(A)
    message = await desk.sent(A, "secret")
    await desk.do(desk.delete(A, message.id))
    assert not any(b"secret" in row.data for row in await outbox.unpublished(100))

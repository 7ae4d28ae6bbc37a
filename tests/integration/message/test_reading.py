"""ReadingService, as its clients see it."""

import asyncio
from typing import Any

import pytest

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import reading_service_pb2 as pb
from mesh.errors import Invalid, NotFound
from services.message.reading import servicer
from tests.integration.message.world import World


async def test_marks_of_members_and_what_they_are_told(world: World, anna: str, bela: str) -> None:
    """Others see what was received and read, never what was marked unread again."""
    group = await world.create(anna, bela)
    await asyncio.gather(*[world.send(anna, group.id) for _ in range(4)])
    where: dict[str, Any] = {"conversation_id": group.id}
    async with world.subscribe(anna) as other, world.subscribe(bela) as own:
        await other.ready()
        await own.ready()
        delivered = await world.ask(world.reading.MarkDelivered, pb.MarkDeliveredRequest(seq=3, **where), bela)
        await world.ask(world.conversations.MarkRead, conversations_pb.MarkReadRequest(seq=2, **where), bela)
        unread = await world.ask(world.reading.MarkUnread, pb.MarkUnreadRequest(seq=2, **where), bela)
        seen, told = await other.changes(2), await own.changes(3)
    assert delivered.last_delivered_seq == 3
    assert (unread.last_read_seq, unread.unread_count, unread.mention_count) == (1, 3, 0)
    assert [(c.type, c.data.receipt.last_read_seq, c.data.receipt.last_delivered_seq) for c in seen] == [
        ("receipt-delivered", 0, 3),
        ("receipt-read", 2, 3),
    ]
    assert [c.type for c in told] == ["delivered-updated", "unread-updated", "unread-updated"]
    assert told[0].data.membership.last_delivered_seq == 3
    assert (told[2].data.unread.last_read_seq, told[2].data.unread.unread_count) == (1, 3)
    listed = await world.ask(world.reading.ListReceipts, pb.ListReceiptsRequest(**where), anna)
    assert [(r.user_id, r.last_read_seq, r.last_delivered_seq) for r in listed.items] == [(anna, 0, 0), (bela, 2, 3)]


async def test_receipts_are_told_by_pages(world: World, anna: str, bela: str, cleo: str) -> None:
    """With the cursors of this list only."""
    group, other = await world.create(anna, bela, cleo), await world.create(anna)
    request = pb.ListReceiptsRequest(conversation_id=group.id, limit=2)
    first = await world.ask(world.reading.ListReceipts, request, anna)
    request = pb.ListReceiptsRequest(conversation_id=group.id, limit=2, cursor=first.page.next_cursor)
    second = await world.ask(world.reading.ListReceipts, request, anna)
    assert [receipt.user_id for page in (first, second) for receipt in page.items] == [anna, bela, cleo]
    assert (first.page.has_more, second.page.has_more) == (True, False)
    request = pb.ListReceiptsRequest(conversation_id=other.id, cursor=first.page.next_cursor)
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await world.ask(world.reading.ListReceipts, request, anna)


async def test_totals_of_what_is_unread(world: World, anna: str, bela: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted anew, without what is hidden; of many conversations not each is named."""
    groups = [await world.create(anna, bela) for _ in range(4)]
    await asyncio.gather(*[world.send(anna, group.id) for group in groups for _ in range(2)])
    hide = conversations_pb.SetPreferencesRequest(id=groups[0].id, hidden=True)
    await world.ask(world.conversations.SetPreferences, hide, bela)
    totals = await world.ask(world.reading.GetUnread, pb.GetUnreadRequest(), bela)
    assert (totals.unread_count, totals.mention_count, totals.conversation_count) == (6, 0, 3)
    assert [(one.conversation_id, one.unread.unread_count) for one in totals.items] == [
        (group.id, 2) for group in reversed(groups[1:])
    ]
    monkeypatch.setattr(servicer, "MAX_ITEMS", 2)
    totals = await world.ask(world.reading.GetUnread, pb.GetUnreadRequest(), bela)
    assert (totals.unread_count, totals.conversation_count, len(totals.items)) == (6, 3, 2)


async def test_a_thread_and_its_mark(world: World, anna: str, bela: str) -> None:
    """With who wrote the message that it hangs on."""
    group = await world.create(anna, bela)
    root = await world.send(anna, group.id, "root")
    replies = [await world.send(anna, group.id, "reply", thread_root=root.id) for _ in range(3)]
    read = pb.MarkThreadReadRequest(thread_root=root.id, seq=replies[0].seq)
    marked = (await world.ask(world.reading.MarkThreadRead, read, bela)).mark
    assert (marked.root_id, marked.last_read_seq, marked.unread_count) == (root.id, replies[0].seq, 2)
    thread = await world.ask(world.reading.GetThread, pb.GetThreadRequest(thread_root=root.id), bela)
    assert (thread.root.sender.username, thread.root.thread.reply_count, thread.mark) == ("anna", 3, marked)
    with pytest.raises(NotFound, match="THREAD_NOT_FOUND"):
        await world.ask(world.reading.GetThread, pb.GetThreadRequest(thread_root=replies[0].id), bela)

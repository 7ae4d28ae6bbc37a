"""Reactions, pins, bookmarks and reports, as clients of their services see them."""

import pytest

from chat.message.v1 import bookmark_service_pb2 as bookmarks_pb
from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1 import pin_service_pb2 as pins_pb
from chat.message.v1 import reaction_service_pb2 as reactions_pb
from chat.message.v1 import report_pb2
from chat.message.v1 import report_service_pb2 as reports_pb
from mesh.errors import Forbidden, Invalid, NotFound
from tests.integration.message.world import World

SPAM, OTHER = report_pb2.REPORT_CATEGORY_SPAM, report_pb2.REPORT_CATEGORY_OTHER
OPEN, ACTIONED = report_pb2.REPORT_STATUS_OPEN, report_pb2.REPORT_STATUS_ACTIONED


async def test_reactions_are_told_and_listed(world: World, anna: str, bela: str) -> None:
    """Everybody in the conversation is told how they stand."""
    group = await world.create(anna, bela)
    message = await world.send(anna, group.id)
    async with world.subscribe(anna) as feed:
        await feed.ready()
        add = reactions_pb.AddReactionRequest(message_id=message.id, emoji="👍🏽")
        state = (await world.ask(world.reactions.AddReaction, add, bela)).state
        take = reactions_pb.RemoveReactionRequest(message_id=message.id, emoji="👍🏽")
        await world.ask(world.reactions.AddReaction, add, anna)
        left = (await world.ask(world.reactions.RemoveReaction, take, anna)).state
        added, _, removed = await feed.changes(3)
    assert (state.message_id, state.conversation_id, state.seq, state.user_id) == (message.id, group.id, 1, bela)
    assert (state.reaction.emoji, state.reaction.count, list(state.reaction.user_ids)) == ("👍🏽", 1, [bela])
    assert (added.type, added.seq, added.data.reaction) == ("reaction-added", 1, state)
    assert (removed.type, removed.data.reaction, left.reaction) == ("reaction-removed", left, state.reaction)
    request = messages_pb.GetMessageRequest(id=message.id)
    assert list((await world.ask(world.messages.GetMessage, request, anna)).message.reactions) == [state.reaction]
    listed = await world.ask(
        world.reactions.ListReactions, reactions_pb.ListReactionsRequest(message_id=message.id), anna
    )
    assert [(item.emoji, item.user.username) for item in listed.items] == [("👍🏽", "bela")]


async def test_reactions_are_listed_in_pages(world: World, anna: str, bela: str, cleo: str) -> None:
    """A cursor of one emoji is none for another."""
    group = await world.create(anna, bela, cleo)
    message = await world.send(anna, group.id)
    for user_id in (cleo, anna, bela):
        await world.ask(
            world.reactions.AddReaction, reactions_pb.AddReactionRequest(message_id=message.id, emoji="x"), user_id
        )

    async def page(emoji: str = "x", cursor: str = "") -> reactions_pb.ListReactionsResponse:
        request = reactions_pb.ListReactionsRequest(message_id=message.id, emoji=emoji, cursor=cursor, limit=2)
        return await world.ask(world.reactions.ListReactions, request, anna)

    first = await page()
    rest = await page(cursor=first.page.next_cursor)
    assert [item.user.id for item in (*first.items, *rest.items)] == [cleo, anna, bela]
    assert (await page(cursor=rest.page.prev_cursor)).items == first.items
    assert not (await page("y")).items
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await page("y", first.page.next_cursor)
    with pytest.raises(Invalid, match="emoji"):
        await world.ask(
            world.reactions.AddReaction, reactions_pb.AddReactionRequest(message_id=message.id, emoji="a b"), anna
        )


async def test_pins_are_told_and_listed(world: World, anna: str, bela: str) -> None:
    """The latest first, with the messages as they are now."""
    group = await world.create(anna, bela)
    messages = [await world.send(anna, group.id, text) for text in "abc"]
    async with world.subscribe(anna) as feed:
        await feed.ready()
        for message in messages:
            await world.ask(world.pins.PinMessage, pins_pb.PinMessageRequest(message_id=message.id), bela)
        pinned = (await feed.changes(3))[0]
        await world.ask(world.pins.UnpinMessage, pins_pb.UnpinMessageRequest(message_id=messages[1].id), anna)
        unpinned = await feed.change()
    assert (pinned.type, pinned.seq, pinned.data.pinned.message_id) == ("message-pinned", 1, messages[0].id)
    assert pinned.data.pinned.HasField("pinned_at")
    assert (unpinned.type, unpinned.data.pinned.HasField("pinned_at")) == ("message-unpinned", False)

    async def page(cursor: str = "") -> pins_pb.ListPinsResponse:
        request = pins_pb.ListPinsRequest(conversation_id=group.id, cursor=cursor, limit=1)
        return await world.ask(world.pins.ListPins, request, anna)

    first = await page()
    rest = await page(first.page.next_cursor)
    assert [pin.message.text for pin in (*first.items, *rest.items)] == ["c", "a"]
    assert (first.items[0].pinned_by.username, rest.page.has_more) == ("bela", False)
    assert first.items[0].message.pinned_at == first.items[0].pinned_at
    assert (await page(rest.page.prev_cursor)).items == first.items


async def test_bookmarks_are_ones_own(world: World, anna: str, bela: str) -> None:
    """Told to all of one's devices, and listed with the messages as they are now."""
    group = await world.create(anna, bela)
    messages = [await world.send(anna, group.id, text) for text in "ab"]
    async with world.subscribe(bela) as feed:
        await feed.ready()
        for message in messages:
            put = bookmarks_pb.PutBookmarkRequest(message_id=message.id, note=f"note {message.text}")
            kept = (await world.ask(world.bookmarks.PutBookmark, put, bela)).bookmark
        (change, _) = await feed.changes(2)
    assert (kept.message, kept.note) == (messages[1], "note b")
    assert (change.type, change.user_pos > 0, change.data.bookmark.message.id) == (
        *("bookmark-updated", True, messages[0].id),
    )
    assert change.data.bookmark.message.text == ""

    async def page(user_id: str, cursor: str = "") -> bookmarks_pb.ListBookmarksResponse:
        return await world.ask(
            world.bookmarks.ListBookmarks, bookmarks_pb.ListBookmarksRequest(cursor=cursor, limit=1), user_id
        )

    first = await page(bela)
    rest = await page(bela, first.page.next_cursor)
    assert [bookmark.note for bookmark in (*first.items, *rest.items)] == ["note b", "note a"]
    assert not (await page(anna)).items
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await page(anna, first.page.next_cursor)
    forget = bookmarks_pb.DeleteBookmarkRequest(message_id=messages[1].id)
    for _ in range(2):
        await world.ask(world.bookmarks.DeleteBookmark, forget, bela)
    assert [bookmark.note for bookmark in (await page(bela)).items] == ["note a"]


async def test_a_report_is_looked_at_by_admins(world: World, anna: str, bela: str, cleo: str) -> None:
    """They see the text; the reporter is told how it ends, and by whom."""
    world.users.admins.add(cleo)
    group = await world.create(anna, bela)
    message = await world.send(anna, group.id, "bad words")
    request = reports_pb.ReportMessageRequest(message_id=message.id, category=OTHER, comment="look")
    async with world.subscribe(bela) as feed:
        await feed.ready()
        made = await world.ask(world.reports.ReportMessage, request, bela)
        again = await world.ask(world.reports.ReportMessage, request, bela)
        assert (made.replayed, again.replayed, again.report) == (False, True, made.report)
        assert (made.report.text, made.report.status, made.report.reporter.username) == ("", OPEN, "bela")
        await feed.change()
        listing = reports_pb.ListReportsRequest(status=OPEN)
        (shown,) = (await world.ask(world.reports.ListReports, listing, cleo)).items
        assert (shown.id, shown.text, shown.comment) == (made.report.id, "bad words", "look")
        resolve = reports_pb.ResolveReportRequest(id=shown.id, status=ACTIONED)
        closed = (await world.ask(world.reports.ResolveReport, resolve, cleo)).report
        change = await feed.change()
    assert (closed.status, closed.resolved_by.username) == (ACTIONED, "cleo")
    assert (change.type, change.data.report.status, change.data.report.text) == ("report-updated", ACTIONED, "")
    assert (change.data.report.reporter.username, change.data.report.resolved_by.username) == ("bela", "cleo")
    assert not (await world.ask(world.reports.ListReports, listing, cleo)).items
    with pytest.raises(Forbidden, match="PERMISSION_DENIED"):
        await world.ask(world.reports.ListReports, listing, bela)
    resolve.id = message.id
    with pytest.raises(NotFound, match="REPORT_NOT_FOUND"):
        await world.ask(world.reports.ResolveReport, resolve, cleo)
    with pytest.raises(Invalid, match="category"):
        await world.ask(world.reports.ReportMessage, reports_pb.ReportMessageRequest(message_id=message.id), bela)

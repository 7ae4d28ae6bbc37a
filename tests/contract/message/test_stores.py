"""What every store shows, and to whom."""

import pytest
from sqlalchemy import event

from mesh.database import Database
from mesh.errors import NotFound
from mesh.page import Place as PagePlace
from services.message.conversations.domain import Kind
from services.message.conversations.store import ConversationStore
from services.message.feed.domain import Place
from services.message.feed.store import FeedStore
from services.message.messages.store import MessageStore
from tests.contract.message.desk import A, B, C, Desk, as_


async def test_spans_of_messages_are_the_nearest(desk: Desk, messages: MessageStore) -> None:
    """Rising, whichever side they are read from; outside of the conversation there are none."""
    await desk.group(A)
    await desk.do(*[desk.send(A, str(i)) for i in range(1, 8)])

    async def before(seq: int | None) -> list[int]:
        return [m.seq for m in (await messages.before(as_(A), "g", seq, 3)).messages]

    async def after(seq: int) -> list[int]:
        return [m.seq for m in (await messages.after(as_(A), "g", seq, 3)).messages]

    assert [await before(s) for s in (None, 99, 5, 2, 1)] == [[5, 6, 7], [5, 6, 7], [2, 3, 4], [1], []]
    assert [await after(s) for s in (0, 3, 6, 7, 99)] == [[1, 2, 3], [4, 5, 6], [7], [], []]
    assert (await messages.after(as_(A), "g", 99, 3)).last_seq == 7


async def test_messages_come_back_as_they_were_written(desk: Desk, messages: MessageStore) -> None:
    """Every character and every microsecond."""
    await desk.group(A)
    for text in ("plain", "ünï\u200dcödé 👩‍👩‍👧", "'; DROP TABLE messages; --", "line\nline\ttab", "x" * 10_000):
        sent = await desk.sent(A, text)
        assert await messages.get(as_(A), sent.id) == sent


async def test_messages_exist_only_for_members(desk: Desk, messages: MessageStore) -> None:
    """Members see all of history, also what was before them; after removal, nothing."""
    await desk.group(A)
    message = await desk.sent(A)
    await desk.do(desk.add(A, B))
    assert await messages.get(as_(B), message.id) == message
    await desk.do(desk.remove(A, B))
    for user_id in (B, C):
        with pytest.raises(NotFound, match="MESSAGE_NOT_FOUND"):
            await messages.get(as_(user_id), message.id)
        for read in (messages.before(as_(user_id), "g", None, 5), messages.after(as_(user_id), "g", 0, 5)):
            with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
                await read
    with pytest.raises(NotFound):
        await messages.get(as_(A), "nothing")


async def test_a_view_shows_the_last_message_and_what_is_unread(desk: Desk, conversations: ConversationStore) -> None:
    """Own messages and deleted ones do not count, and sending does not move one's mark."""
    await desk.group(A, B)
    await desk.do(desk.send(A, "1"), desk.send(B, "2"), desk.send(A, "3"))
    gone = await desk.sent(A, "4")
    await desk.do(desk.delete(A, gone.id))
    view = await conversations.get(as_(B), "g")
    assert (view.unread_count, view.my.last_read_seq, view.my.user_id) == (2, 0, B)
    assert view.last_message is not None
    assert (view.last_message.seq, view.last_message.text) == (4, "")
    await desk.do(desk.read(B, 1))
    assert (await conversations.get(as_(B), "g")).unread_count == 1
    with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
        await conversations.get(as_(C), "g")


async def test_a_view_shows_the_first_ten_members(desk: Desk, conversations: ConversationStore) -> None:
    """In the order of joining; the count tells of all."""
    await desk.group(A, *[f"u{i:02}" for i in range(12, 0, -1)])
    view = await conversations.get(as_(A), "g")
    assert [m.user_id for m in view.members] == [A, *[f"u{i:02}" for i in range(12, 3, -1)]]
    assert (view.conversation.member_count, view.last_message) == (13, None)


async def test_conversations_come_newest_first_and_each_once(desk: Desk, conversations: ConversationStore) -> None:
    """New ones made meanwhile do not disturb, and the way back leads over the same items."""
    ids = [await desk.group(A, id_=f"g{i}") for i in range(7)]
    await desk.group(B, id_="g9")
    first = await conversations.page(as_(A), None, 3)
    assert [v.conversation.id for v in first.items] == ids[:3:-1]
    assert (first.has_prev, first.has_next) == (False, True)
    newest = await desk.group(A, id_="g8")
    second = await conversations.page(as_(A), PagePlace(("g4",), back=False), 3)
    assert [v.conversation.id for v in second.items] == ["g3", "g2", "g1"]
    assert (second.has_prev, second.has_next) == (True, True)
    last = await conversations.page(as_(A), PagePlace(("g1",), back=False), 3)
    assert ([v.conversation.id for v in last.items], last.has_next) == (["g0"], False)
    back = await conversations.page(as_(A), PagePlace(("g3",), back=True), 3)
    assert [v.conversation.id for v in back.items] == ["g6", "g5", "g4"]
    assert (back.has_prev, back.has_next) == (True, True)
    top = await conversations.page(as_(A), PagePlace(("g6",), back=True), 3)
    assert ([v.conversation.id for v in top.items], top.has_prev) == ([newest], False)


async def test_what_led_to_a_page_may_be_gone(desk: Desk, conversations: ConversationStore) -> None:
    """A page says of both sides only what is there now."""
    await desk.group(A, id_="g1")
    await desk.group(A, id_="g2")
    await desk.do(desk.remove(A, A, from_="g2"))
    page = await conversations.page(as_(A), PagePlace(("g2",), back=False), 3)
    assert ([v.conversation.id for v in page.items], page.has_prev) == (["g1"], False)


async def test_a_page_costs_the_same_statements_however_long_it_is(
    desk: Desk, conversations: ConversationStore, database: Database
) -> None:
    """Nothing is read for each conversation by itself."""
    for i in range(20):
        await desk.group(A, B, id_=f"g{i:02}")
        await desk.sent(B, to=f"g{i:02}")
    statements: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    counts = []
    for limit in (2, 20):
        statements.clear()
        page = await conversations.page(as_(A), None, limit)
        assert [view.unread_count for view in page.items] == [1] * limit
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_members_come_in_the_order_of_joining(desk: Desk, conversations: ConversationStore) -> None:
    """Page by page, both ways."""
    ids = [A, *[f"u{i}" for i in range(4, 0, -1)]]
    await desk.group(*ids)
    first = await conversations.members(as_(A), "g", None, 3)
    assert ([m.user_id for m in first.items], first.has_next) == (ids[:3], True)
    last = first.items[-1]
    second = await conversations.members(as_(A), "g", PagePlace((last.joined_at.isoformat(), last.user_id), False), 3)
    assert ([m.user_id for m in second.items], second.has_prev, second.has_next) == (ids[3:], True, False)
    here = second.items[0]
    back = await conversations.members(as_(A), "g", PagePlace((here.joined_at.isoformat(), here.user_id), True), 3)
    assert [m.user_id for m in back.items] == ids[:3]
    with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
        await conversations.members(as_("stranger"), "g", None, 3)


async def test_only_logs_that_go_further_are_told(desk: Desk, feed: FeedStore) -> None:
    """Of conversations and of users, whoever asks; what is not there goes nowhere."""
    await desk.group(A, B)
    await desk.sent(A)
    assert await feed.further({"g": 1, "none": 0}, {A: 0, B: 1, "nobody": 0}) == ({"g": 2}, {A: 1})
    assert await feed.further({"g": 2}, {A: 1}) == ({}, {})
    assert await feed.further({}, {}) == ({}, {})


async def test_memberships_are_told_with_the_place_of_ones_own_log(desk: Desk, feed: FeedStore) -> None:
    """Of many users at once, whatever their workspace."""
    await desk.group(A, B)
    await desk.group(A, id_="h")
    await desk.do(desk.remove(A, B))
    found = await feed.memberships([A, B, "nobody"])
    assert found == {A: (2, {"g", "h"}), B: (2, set()), "nobody": (0, set())}


async def test_heads_tell_of_all_ones_conversations(desk: Desk, feed: FeedStore) -> None:
    """And of the own log; of somebody unknown, nothing."""
    await desk.group(A, B)
    await desk.group(A, id_="h")
    await desk.sent(A)
    assert await feed.heads(as_(A)) == Place(2, {"g": 2, "h": 1})
    assert await feed.heads(as_(B)) == Place(1, {"g": 2})
    assert await feed.heads(as_("stranger")) == Place(0, {})


async def test_changes_come_in_the_order_asked_for(desk: Desk, feed: FeedStore) -> None:
    """From several logs at once, however many."""
    await desk.group(A, B)
    await desk.group(A, id_="h")
    await desk.do(*[desk.send(A, str(i)) for i in range(200)], desk.send(A, "other", "h"))
    places = [("h", 2), *[("g", pos) for pos in range(200, 1, -1)], ("g", 1), ("h", 1)]
    changes = await feed.changes(as_(A), places)
    assert [(change.conversation_id, change.pos) for change in changes] == places
    assert [change.type for change in changes][-2:] == ["conversation-created"] * 2
    assert changes[0].message is not None
    assert changes[0].message.text == "other"
    assert await feed.changes(as_(A), []) == []


async def test_the_own_log_is_read_in_order(desk: Desk, feed: FeedStore) -> None:
    """After one place, up to another."""
    await desk.group(A, B)
    await desk.sent(A)
    await desk.do(desk.read(B, 1))
    await desk.do(desk.remove(A, B))
    changes = await feed.user_changes(as_(B), 1, 3)
    assert [(c.type, c.user_pos, c.event_id) for c in changes] == [
        ("unread-updated", 2, f"{B}:2"),
        ("conversation-removed", 3, f"{B}:3"),
    ]
    assert [c.user_pos for c in await feed.user_changes(as_(B), 0, 1)] == [1]


async def test_what_was_joined_since_is_known(desk: Desk, feed: FeedStore) -> None:
    """Between two places of the own log."""
    for id_ in ("g", "h", "i"):
        await desk.group(A, B, id_=id_)
    assert await feed.joined(as_(B), 1, 2) == {"h"}
    assert await feed.joined(as_(B), 0, 3) == {"g", "h", "i"}


async def test_membership_is_known(desk: Desk, feed: FeedStore) -> None:
    """Of a dm as well."""
    id_ = (await desk.result(desk.create(A, B, kind=Kind.DM))).conversation_id
    assert await feed.is_member(as_(B), id_)
    assert not await feed.is_member(as_(C), id_)

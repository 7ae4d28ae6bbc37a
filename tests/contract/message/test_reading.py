"""Marks: what others see of them, what is one's own, and what is left unread."""

import pytest
from sqlalchemy import event

from mesh.database import Database
from mesh.errors import NotFound
from mesh.page import Place
from services.message.conversations.domain import Counts
from services.message.conversations.store import ConversationStore
from services.message.reading.domain import MarkDelivered, MarkThreadRead, MarkUnread, ThreadMark
from services.message.reading.store import ReadingStore
from services.message.reading.store_sql import SqlReadingStore
from tests.contract.message.desk import ELSEWHERE, A, B, C, D, Desk, as_, told


@pytest.fixture
def reading(database: Database) -> ReadingStore:
    return SqlReadingStore(database)


def unread(desk: Desk, actor: str, seq: int, in_: str = "g") -> MarkUnread:
    return MarkUnread(desk.origin(actor), in_, seq)


def delivered(desk: Desk, actor: str, seq: int, in_: str = "g") -> MarkDelivered:
    return MarkDelivered(desk.origin(actor), in_, seq)


def thread_read(desk: Desk, actor: str, root_id: str, seq: int) -> MarkThreadRead:
    return MarkThreadRead(desk.origin(actor), root_id, seq)


async def receipts(conversations: ConversationStore, user_id: str = A) -> dict[str, tuple[int, int, int]]:
    """By user, up to where others know that they have read, and received; and their own mark."""
    found = await conversations.members(as_(user_id), "g", None, 100)
    return {m.user_id: (m.receipt_seq, m.delivered_seq, m.last_read_seq) for m in found.items}


async def test_unread_again_is_for_oneself_alone(
    desk: Desk, reading: ReadingStore, conversations: ConversationStore
) -> None:
    """The own mark moves back and the own log tells of it; what others see stays, and nobody is told."""
    await desk.group(A, B)
    await desk.do(*[desk.send(A, str(i)) for i in range(1, 6)])
    await desk.do(desk.read(B, 5))
    (outcome,) = await desk.do(unread(desk, B, 3))
    assert (outcome.result.last_read_seq, outcome.result.unread_count) == (2, 3)
    assert told(outcome) == [("unread-updated", 0, B, 3)]
    assert (await receipts(conversations))[B] == (5, 5, 2)
    assert [one.counts for one in await reading.unread(as_(B))] == [Counts(3, 0)]


async def test_unread_never_moves_a_mark_forward(desk: Desk) -> None:
    """A message after the mark is unread already; a repeat changes nothing."""
    await desk.group(A, B)
    await desk.do(*[desk.send(A, str(i)) for i in range(1, 4)], desk.read(B, 1))
    first, again, later = await desk.do(unread(desk, B, 1), unread(desk, B, 1), unread(desk, B, 3))
    assert [o.result.last_read_seq for o in (first, again, later)] == [0, 0, 0]
    assert [o.result.unread_count for o in (first, again, later)] == [3, 3, 3]
    assert [len(o.changes) for o in (first, again, later)] == [1, 0, 0]


async def test_what_is_delivered_moves_forward_to_the_last_message(
    desk: Desk, conversations: ConversationStore
) -> None:
    """The own log tells of it with the membership, the others as it happens."""
    await desk.group(A, B)
    await desk.do(*[desk.send(A, str(i)) for i in range(1, 4)])
    first, back, beyond = await desk.do(delivered(desk, B, 2), delivered(desk, B, 1), delivered(desk, B, 99))
    assert [o.result.delivered_seq for o in (first, back, beyond)] == [2, 2, 3]
    assert [told(o) for o in (first, back, beyond)] == [
        [("delivered-updated", 0, B, 2), ("receipt-delivered", 0, "", 0)],
        [],
        [("delivered-updated", 0, B, 3), ("receipt-delivered", 0, "", 0)],
    ]
    assert first.changes[1].except_user_id == B
    assert (await receipts(conversations))[B] == (0, 3, 0)


async def test_what_is_read_was_delivered(desk: Desk, conversations: ConversationStore) -> None:
    """And what is delivered is not read by that."""
    await desk.group(A, B)
    await desk.do(*[desk.send(A, str(i)) for i in range(1, 4)], delivered(desk, B, 1), desk.read(B, 2))
    assert (await receipts(conversations))[B] == (2, 2, 2)


async def test_marks_exist_only_for_members(
    desk: Desk, reading: ReadingStore, conversations: ConversationStore
) -> None:
    """To others the conversation, and what is in it, is not there: in this workspace and from another one."""
    await desk.group(A)
    root = await desk.sent(A)
    for command in (unread(desk, B, 1), delivered(desk, B, 1)):
        assert await desk.refusal(command) == "CONVERSATION_NOT_FOUND"
    assert await desk.refusal(thread_read(desk, B, root.id, 1)) == "MESSAGE_NOT_FOUND"
    assert await desk.refusal(thread_read(desk, A, "nothing", 1)) == "MESSAGE_NOT_FOUND"
    for caller in (as_(B), as_(A, ELSEWHERE)):
        with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
            await conversations.members(caller, "g", None, 10)
        with pytest.raises(NotFound, match="MESSAGE_NOT_FOUND"):
            await reading.thread(caller, root.id)
        assert await reading.unread(caller) == []


async def test_receipts_come_in_the_order_of_joining(desk: Desk, conversations: ConversationStore) -> None:
    """By pages, forth and back."""
    await desk.group(C, B)
    await desk.do(desk.add(C, A, D))
    first = await conversations.members(as_(A), "g", None, 2)
    assert ([m.user_id for m in first.items], first.has_prev, first.has_next) == ([C, B], False, True)
    last = first.items[-1]
    second = await conversations.members(as_(A), "g", Place((last.joined_at.isoformat(), last.user_id), back=False), 2)
    assert ([m.user_id for m in second.items], second.has_prev, second.has_next) == ([A, D], True, False)
    after = second.items[0]
    back = await conversations.members(as_(A), "g", Place((after.joined_at.isoformat(), after.user_id), back=True), 2)
    assert [m.user_id for m in back.items] == [C, B]


async def test_unread_is_counted_anew_in_all_conversations(desk: Desk, reading: ReadingStore) -> None:
    """Those with nothing unread are left out; own messages and deleted ones do not count."""
    for id_ in ("c1", "c2", "c3", "c4"):
        await desk.group(A, B, id_=id_)
    await desk.do(desk.send(A, "1", to="c1"), desk.send(A, "2", to="c1"), desk.send(B, "3", to="c1"))
    await desk.do(desk.send(B, "own", to="c2"))
    gone = await desk.sent(A, "gone", to="c3")
    await desk.do(desk.delete(A, gone.id), desk.send(A, "4", to="c4"), desk.read(B, 1, in_="c4"))
    found = await reading.unread(as_(B))
    assert [(one.conversation_id, one.last_read_seq, one.counts.unread) for one in found] == [("c1", 0, 2)]
    await desk.do(desk.send(A, "5", to="c2"), desk.send(A, "6", to="c3"))
    assert [one.conversation_id for one in await reading.unread(as_(B))] == ["c3", "c2", "c1"]


async def test_totals_take_the_same_few_statements_however_many_conversations(
    desk: Desk, database: Database, reading: ReadingStore
) -> None:
    """One that finds them, one that counts."""
    statements: list[str] = []

    def listen(*about: object) -> None:
        statements.append(str(about[2]))

    for number in range(12):
        await desk.group(A, B, id_=f"c{number}")
        await desk.sent(A, to=f"c{number}")
    event.listen(database.engine, "before_cursor_execute", listen)
    assert len(await reading.unread(as_(B))) == 12
    event.remove(database.engine, "before_cursor_execute", listen)
    assert len([s for s in statements if s.startswith("SELECT")]) == 2


async def thread(desk: Desk, *actors: str) -> tuple[str, list[int]]:
    """A message of anna with replies of `actors`; their numbers."""
    root = await desk.sent(A, "root")
    return root.id, [(await desk.sent(actor, "reply", thread_root=root.id)).seq for actor in actors]


async def test_a_thread_has_a_mark_of_its_own(desk: Desk, reading: ReadingStore) -> None:
    """It moves forward up to the last reply, and the own log tells of it."""
    await desk.group(A, B)
    root_id, seqs = await thread(desk, A, B, A)
    await desk.sent(A, "elsewhere")
    _, mark = await reading.thread(as_(B), root_id)
    assert mark == ThreadMark("g", root_id, 0, 2)
    first, again, back, beyond = await desk.do(
        thread_read(desk, B, root_id, seqs[0]),
        thread_read(desk, B, root_id, seqs[0]),
        thread_read(desk, B, root_id, 0),
        thread_read(desk, B, root_id, 99),
    )
    assert [o.result.last_read_seq for o in (first, again, back, beyond)] == [seqs[0], seqs[0], seqs[0], seqs[-1]]
    assert [o.result.unread_count for o in (first, beyond)] == [1, 0]
    assert [told(o) for o in (first, again, back, beyond)] == [
        [("thread-read", 0, B, 2)],
        [],
        [],
        [("thread-read", 0, B, 3)],
    ]
    root, mark = await reading.thread(as_(B), root_id)
    assert (root.id, mark.last_read_seq, mark.unread_count) == (root_id, seqs[-1], 0)
    assert (await reading.thread(as_(A), root_id))[1].unread_count == 1


async def test_a_deleted_reply_is_not_unread(desk: Desk, reading: ReadingStore) -> None:
    """It stays as a tombstone that nobody has to read."""
    await desk.group(A, B)
    root = await desk.sent(A, "root")
    reply = await desk.sent(A, "reply", thread_root=root.id)
    await desk.do(desk.delete(A, reply.id))
    assert (await reading.thread(as_(B), root.id))[1].unread_count == 0


async def test_a_reply_is_no_thread(desk: Desk, reading: ReadingStore) -> None:
    """A thread is asked for at its root; a message without replies has an empty one."""
    await desk.group(A)
    root = await desk.sent(A, "root")
    reply = await desk.sent(A, "reply", thread_root=root.id)
    assert await desk.refusal(thread_read(desk, A, reply.id, 1)) == "THREAD_NOT_FOUND"
    with pytest.raises(NotFound, match="THREAD_NOT_FOUND"):
        await reading.thread(as_(A), reply.id)
    lone = await desk.sent(A, "lone")
    assert (await desk.do(thread_read(desk, A, lone.id, 7)))[0].result == ThreadMark("g", lone.id, 0, 0)

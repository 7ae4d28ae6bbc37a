"""What every journal promises about threads: what hangs on a message, and how its root tells of it."""

import pytest

from chat.message.v1.change_pb2 import ChangeData
from mesh.errors import NotFound
from mesh.page import Place
from services.message.feed.domain import Change
from services.message.messages.domain import UndeleteMessage
from services.message.messages.store import MessageStore
from tests.contract.message.desk import A, B, C, Desk, as_, told


def counts(change: Change) -> tuple[str, int, int]:
    thread = ChangeData.FromString(change.body).thread
    return thread.root_id, thread.reply_count, thread.last_seq


async def test_a_reply_is_counted_at_its_root(desk: Desk, messages: MessageStore) -> None:
    """The root may stand in the same batch. Its etag changes, its version does not."""
    await desk.group(A, B)
    root = desk.send(A, "root")
    outcomes = await desk.do(root, *[desk.send(B, f"reply {i}", thread_root=root.id) for i in range(2)])
    assert [told(outcome) for outcome in outcomes[1:]] == [
        [("message-new", 3, "", 0), ("thread-updated", 4, "", 0)],
        [("message-new", 5, "", 0), ("thread-updated", 6, "", 0)],
    ]
    assert [counts(outcome.changes[1]) for outcome in outcomes[1:]] == [(root.id, 1, 2), (root.id, 2, 3)]
    (later,) = await desk.do(desk.send(A, "later", thread_root=root.id))
    assert counts(later.changes[1]) == (root.id, 3, 4)
    stored = await messages.get(as_(A), root.id)
    assert (stored.reply_count, stored.last_reply_seq, stored.version) == (3, 4, 1)
    assert stored.etag != outcomes[0].result.message.etag


async def test_what_no_thread_can_hang_on(desk: Desk) -> None:
    """A reply, a tombstone, a message elsewhere, and nothing."""
    await desk.group(A, B)
    await desk.group(A, id_="other")
    root = await desk.sent(A, "root")
    reply = await desk.sent(B, "reply", thread_root=root.id)
    elsewhere = await desk.sent(A, "elsewhere", "other")
    await desk.result(desk.delete(A, root.id))
    for id_ in (reply.id, root.id, elsewhere.id, "nothing"):
        assert await desk.refusal(desk.send(A, "x", thread_root=id_)) == "THREAD_NOT_FOUND"


async def test_a_deleted_reply_counts_until_it_is_deleted_and_from_when_it_is_back(
    desk: Desk, messages: MessageStore
) -> None:
    """Its number stays the last one: the tombstone has it."""
    await desk.group(A, B)
    root = await desk.sent(A, "root")
    reply = await desk.sent(B, "reply", thread_root=root.id)
    (gone,) = await desk.do(desk.delete(B, reply.id))
    assert told(gone) == [("message-deleted", 5, "", 0), ("thread-updated", 6, "", 0)]
    assert counts(gone.changes[1]) == (root.id, 0, 2)
    (back,) = await desk.do(UndeleteMessage(desk.origin(B), reply.id))
    assert told(back) == [("message-updated", 7, "", 0), ("thread-updated", 8, "", 0)]
    assert counts(back.changes[1]) == (root.id, 1, 2)
    assert (await messages.get(as_(A), root.id)).reply_count == 1


async def test_the_replies_of_a_thread_are_read_in_pages(desk: Desk, messages: MessageStore) -> None:
    """By ascending number and to both sides; tombstones among them, other messages not."""
    await desk.group(A, B)
    root = await desk.sent(A, "root")
    replies = []
    for i in range(5):
        replies.append((await desk.sent(B, f"{i}", thread_root=root.id)).seq)
        await desk.sent(A, "beside it")
    await desk.result(desk.delete(B, (await desk.sent(B, "5", thread_root=root.id)).id))
    first = await messages.replies(as_(A), root.id, None, 2)
    assert ([m.seq for m in first.items], first.has_prev, first.has_next) == (replies[:2], False, True)
    middle = await messages.replies(as_(A), root.id, Place((replies[1],), back=False), 3)
    assert ([m.seq for m in middle.items], middle.has_prev, middle.has_next) == (replies[2:5], True, True)
    back = await messages.replies(as_(A), root.id, Place((replies[2],), back=True), 9)
    assert ([m.seq for m in back.items], back.has_prev, back.has_next) == (replies[:2], False, True)
    last = await messages.replies(as_(A), root.id, Place((replies[4],), back=False), 9)
    assert ([m.deleted_by for m in last.items], last.has_next) == ([B], False)
    assert not (await messages.replies(as_(A), (await desk.sent(A)).id, None, 9)).items


async def test_a_thread_is_for_members(desk: Desk, messages: MessageStore) -> None:
    """As all messages are."""
    await desk.group(A, B)
    root = await desk.sent(A, "root")
    with pytest.raises(NotFound, match="MESSAGE_NOT_FOUND"):
        await messages.replies(as_(C), root.id, None, 9)

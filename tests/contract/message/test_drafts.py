"""What somebody has begun to write: kept for them alone, and only as long as it is wanted."""

import pytest
from sqlalchemy import select

from mesh.database import Database
from mesh.errors import NotFound
from mesh.page import Place
from services.message.conversations.wire import only_id
from services.message.drafts.domain import Draft, SaveDraft
from services.message.drafts.store import DraftStore
from services.message.drafts.store_sql import SqlDraftStore
from services.message.feed.store import FeedStore
from services.message.feed.wire import change_proto
from services.message.tables import user_changes
from tests.contract.message.desk import ELSEWHERE, A, B, Desk, as_, told


@pytest.fixture
def drafts(database: Database) -> DraftStore:
    return SqlDraftStore(database)


def save(desk: Desk, actor: str, text: str = "", in_: str = "g", *, thread: str = "", reply_to: str = "") -> SaveDraft:
    return SaveDraft(desk.origin(actor), in_, thread, text, reply_to)


async def test_a_draft_is_kept_changed_and_forgotten(desk: Desk, drafts: DraftStore) -> None:
    """The own log tells of each step; a repeat of one is none."""
    await desk.group(A, B)
    outcomes = await desk.do(
        *(save(desk, A, "one"), save(desk, A, "one"), save(desk, A, "two"), save(desk, A), save(desk, A))
    )
    assert [told(outcome) for outcome in outcomes] == [
        [("draft-updated", 0, A, 2)],
        [],
        [("draft-updated", 0, A, 3)],
        [("draft-updated", 0, A, 4)],
        [],
    ]
    assert [outcome.result.text for outcome in outcomes] == ["one", "one", "two", "", ""]
    assert (await drafts.get(as_(A), "g", "")).is_empty


async def test_each_thread_has_a_draft_of_its_own(desk: Desk, drafts: DraftStore) -> None:
    """And the conversation one."""
    await desk.group(A, B)
    root = await desk.sent(B, "root")
    await desk.do(save(desk, A, "here", reply_to=root.id), save(desk, A, "there", thread=root.id))
    here, there = await drafts.get(as_(A), "g", ""), await drafts.get(as_(A), "g", root.id)
    assert [(d.text, d.thread_root, d.reply_to) for d in (here, there)] == [
        ("here", "", root.id),
        ("there", root.id, ""),
    ]


async def test_an_answer_without_a_text_is_a_draft(desk: Desk, drafts: DraftStore) -> None:
    """Somebody has chosen what to answer."""
    await desk.group(A)
    message = await desk.sent(A)
    await desk.do(save(desk, A, reply_to=message.id))
    assert (await drafts.get(as_(A), "g", "")).reply_to == message.id


async def test_what_a_draft_is_about_is_there(desk: Desk) -> None:
    """In this conversation; a reply in a thread carries no other thread."""
    await desk.group(A)
    await desk.group(A, id_="other")
    elsewhere, root = await desk.sent(A, to="other"), await desk.sent(A)
    reply = await desk.sent(A, thread_root=root.id)
    for id_ in (elsewhere.id, "nothing", reply.id):
        assert await desk.refusal(save(desk, A, "x", thread=id_)) == "THREAD_NOT_FOUND"
    for id_ in (elsewhere.id, "nothing"):
        assert await desk.refusal(save(desk, A, "x", reply_to=id_)) == "REPLY_NOT_FOUND"


async def test_drafts_are_listed_the_latest_first(desk: Desk, drafts: DraftStore) -> None:
    """Those of oneself, in conversations that one is in now; by pages."""
    for id_ in ("c1", "c2", "c3", "c4"):
        await desk.group(B, A, id_=id_)
        await desk.do(save(desk, A, id_, id_), save(desk, B, "not anna's", id_))
    await desk.do(desk.remove(B, A, from_="c2"))
    first = await drafts.page(as_(A), None, 2)
    assert ([d.conversation_id for d in first.items], first.has_prev, first.has_next) == (["c4", "c3"], False, True)
    last = first.items[-1]
    assert last.updated_at is not None
    place = Place((last.updated_at.isoformat(), last.conversation_id, last.thread_root), back=False)
    second = await drafts.page(as_(A), place, 2)
    assert ([d.conversation_id for d in second.items], second.has_prev, second.has_next) == (["c1"], True, False)
    assert (await drafts.page(as_(A, ELSEWHERE), None, 9)).items == []


async def test_drafts_exist_only_in_ones_own_conversations(desk: Desk, drafts: DraftStore) -> None:
    """Others have none there, and nobody sees another's."""
    await desk.group(A, B)
    await desk.do(save(desk, A, "anna's"))
    assert await desk.refusal(save(desk, "cleo", "x")) == "CONVERSATION_NOT_FOUND"
    assert await drafts.get(as_(B), "g", "") == Draft("g", "")
    for caller in (as_("cleo"), as_(A, ELSEWHERE)):
        with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
            await drafts.get(caller, "g", "")


async def test_the_log_tells_of_a_draft_as_it_is_and_keeps_no_text(
    desk: Desk, feed: FeedStore, database: Database
) -> None:
    """A draft that was forgotten is not found in it."""
    await desk.group(A)
    await desk.do(save(desk, A, "secret one"), save(desk, A, "now"))
    changes = await feed.user_changes(as_(A), 1, 3)
    assert [change_proto(change, only_id).data.draft.text for change in changes] == ["now", "now"]
    await desk.do(save(desk, A))
    changes = await feed.user_changes(as_(A), 1, 4)
    drafts = [change_proto(change, only_id).data.draft for change in changes]
    assert [(draft.conversation_id, draft.text) for draft in drafts] == [("g", "")] * 3
    bodies = await database.read(lambda connection: list(connection.scalars(select(user_changes.c.body))))
    assert not any(b"secret" in body or b"now" in body for body in bodies)

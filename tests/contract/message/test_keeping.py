"""What every journal promises about what is kept of messages: pins, bookmarks and reports."""

import pytest
from sqlalchemy import insert, select

from chat.message.v1.change_pb2 import ChangeData
from mesh.database import Database
from mesh.errors import NotFound
from mesh.page import Place
from services.message.bookmarks.domain import MAX_BOOKMARKS, Bookmark, DeleteBookmark, PutBookmark
from services.message.bookmarks.store_sql import SqlBookmarkStore
from services.message.conversations.domain import Role, UpdateConversation
from services.message.feed.domain import Change
from services.message.messages.domain import Message
from services.message.messages.store import MessageStore
from services.message.pins.domain import MAX_PINS, Pin, PinMessage, UnpinMessage
from services.message.pins.store_sql import SqlPinStore
from services.message.reports.domain import Category, ReportMessage, ResolveReport, Status
from services.message.reports.store_sql import SqlReportStore
from services.message.tables import audit, bookmarks
from tests.contract.message.desk import ELSEWHERE, HERE, A, B, C, Clock, Desk, as_, told


@pytest.fixture
def pins(database: Database) -> SqlPinStore:
    return SqlPinStore(database)


@pytest.fixture
def kept(database: Database) -> SqlBookmarkStore:
    return SqlBookmarkStore(database)


@pytest.fixture
def reports(database: Database) -> SqlReportStore:
    return SqlReportStore(database)


def pin(desk: Desk, actor: str, message: Message) -> PinMessage:
    return PinMessage(desk.origin(actor), message.id)


def unpin(desk: Desk, actor: str, message: Message) -> UnpinMessage:
    return UnpinMessage(desk.origin(actor), message.id)


def keep(desk: Desk, actor: str, message: Message, note: str = "") -> PutBookmark:
    return PutBookmark(desk.origin(actor), message.id, note)


def forget(desk: Desk, actor: str, message: Message) -> DeleteBookmark:
    return DeleteBookmark(desk.origin(actor), message.id)


def report(desk: Desk, actor: str, message: Message) -> ReportMessage:
    return ReportMessage(desk.origin(actor), desk.new_id("r"), message.id, Category.SPAM, "look")


def data(change: Change) -> ChangeData:
    return ChangeData.FromString(change.body)


async def test_a_pin_comes_and_goes_once(desk: Desk, messages: MessageStore) -> None:
    """A repeat is answered with the pin that is there, whoever asks."""
    await desk.group(A, B)
    message = await desk.sent(A)
    (outcome,) = await desk.do(pin(desk, B, message))
    assert told(outcome) == [("message-pinned", 3, "", 0)]
    stored = await messages.get(as_(A), message.id)
    assert stored.pinned_at is not None
    assert outcome.result == Pin(stored, B, stored.pinned_at)
    assert (data(outcome.changes[0]).pinned.seq, stored.version) == (1, 1)
    (again,) = await desk.do(pin(desk, A, message))
    assert (again.result, again.changes) == (outcome.result, ())
    (gone,) = await desk.do(unpin(desk, A, message))
    assert told(gone) == [("message-unpinned", 4, "", 0)]
    assert not data(gone.changes[0]).pinned.HasField("pinned_at")
    assert (await messages.get(as_(A), message.id)).pinned_at is None
    (late,) = await desk.do(unpin(desk, A, message))
    assert late.changes == ()


async def test_who_pins_is_a_setting(desk: Desk) -> None:
    """Guests never do, and a tombstone is not pinned."""
    await desk.group(A, B)
    await desk.result(desk.add(A, C, role=Role.GUEST))
    message, gone = await desk.sent(A), await desk.sent(A)
    await desk.result(desk.delete(A, gone.id))
    assert await desk.refusal(pin(desk, C, message)) == "ROLE_TOO_LOW"
    assert await desk.refusal(pin(desk, "stranger", message)) == "MESSAGE_NOT_FOUND"
    assert await desk.refusal(pin(desk, A, gone)) == "MESSAGE_DELETED"
    await desk.result(UpdateConversation(desk.origin(A), "g", {"pin_role": Role.ADMIN}))
    assert await desk.refusal(pin(desk, B, message)) == "ROLE_TOO_LOW"
    assert await desk.refusal(unpin(desk, B, message)) == "ROLE_TOO_LOW"


async def test_a_conversation_keeps_so_many_in_view(desk: Desk, pins: SqlPinStore) -> None:
    """And they are read in pages, the latest pin first."""
    await desk.group(A, B)
    outcomes = await desk.do(*[desk.send(A) for _ in range(MAX_PINS + 1)])
    *some, last = [outcome.result.message for outcome in outcomes]
    for message in some:
        await desk.result(pin(desk, A, message))
    assert await desk.refusal(pin(desk, A, last)) == "QUOTA_REACHED"
    first = await pins.page(as_(B), "g", None, 60)
    assert ([p.message.seq for p in first.items], first.has_next) == (list(range(MAX_PINS, 40, -1)), True)
    end = first.items[-1]
    place = Place((end.pinned_at.isoformat(), end.message.id), back=False)
    rest = await pins.page(as_(B), "g", place, 60)
    assert ([p.message.seq for p in rest.items], rest.has_next) == (list(range(40, 0, -1)), False)
    with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
        await pins.page(as_(C), "g", None, 9)


async def test_a_bookmark_is_told_to_its_keeper(desk: Desk, kept: SqlBookmarkStore) -> None:
    """In their own log, and to nobody else; a repeat tells nothing. A new note keeps its time."""
    await desk.group(A, B)
    message = await desk.sent(A, "words")
    (outcome,) = await desk.do(keep(desk, B, message, "read"))
    assert told(outcome) == [("bookmark-updated", 0, B, 2)]
    shown = data(outcome.changes[0]).bookmark
    assert (shown.message.id, shown.message.text, shown.note, shown.removed) == (message.id, "", "read", False)
    (again,) = await desk.do(keep(desk, B, message, "read"))
    assert (again.result, again.changes) == (outcome.result, ())
    (other,) = await desk.do(keep(desk, B, message, "read it"))
    assert told(other) == [("bookmark-updated", 0, B, 3)]
    assert (await kept.page(as_(B), None, 9)).items == [Bookmark(message, "read it", outcome.result.created_at)]
    assert not (await kept.page(as_(A), None, 9)).items
    (gone,) = await desk.do(forget(desk, B, message))
    assert data(gone.changes[0]).bookmark.removed
    (late,) = await desk.do(forget(desk, B, message))
    assert late.changes == ()
    assert not (await kept.page(as_(B), None, 9)).items


async def test_bookmarks_show_what_can_be_read_now(desk: Desk, kept: SqlBookmarkStore) -> None:
    """Tombstones as such; of conversations that one has left nothing, though it can be forgotten."""
    await desk.group(A, B)
    await desk.group(A, B, id_="other")
    first, second, elsewhere = await desk.sent(A), await desk.sent(A), await desk.sent(A, to="other")
    for message in (first, second, elsewhere):
        await desk.result(keep(desk, B, message))
    assert await desk.refusal(keep(desk, C, first)) == "MESSAGE_NOT_FOUND"
    await desk.do(desk.remove(A, B, "other"), desk.delete(A, first.id))
    page = await kept.page(as_(B), None, 1)
    assert ([b.message.id for b in page.items], page.has_next) == ([second.id], True)
    place = Place((page.items[0].created_at.isoformat(), second.id), back=False)
    rest = await kept.page(as_(B), place, 9)
    assert [(b.message.id, b.message.text) for b in rest.items] == [(first.id, "")]
    (gone,) = await desk.do(forget(desk, B, elsewhere))
    assert len(gone.changes) == 1
    assert await desk.refusal(keep(desk, B, first, "too late")) == "MESSAGE_DELETED"


async def test_one_keeps_so_many(desk: Desk, database: Database, clock: Clock) -> None:
    """Notes to them can be changed all the same."""
    await desk.group(A)
    message, other = await desk.sent(A), await desk.sent(A)
    await desk.result(keep(desk, A, message))
    about = {"user_id": A, "workspace_id": HERE, "conversation_id": "g", "note": "", "created_at": clock()}
    outcomes = await desk.do(*[desk.send(A) for _ in range(MAX_BOOKMARKS - 1)])
    rows = [{**about, "message_id": outcome.result.message.id} for outcome in outcomes]
    await database.write(lambda connection: connection.execute(insert(bookmarks), rows))
    assert await desk.refusal(keep(desk, A, other)) == "QUOTA_REACHED"
    await desk.result(keep(desk, A, message, "note"))


async def test_a_report_keeps_what_was_said(desk: Desk, database: Database, reports: SqlReportStore) -> None:
    """Whatever becomes of the message. A second one of the same reporter is the first; both ends are noted and told."""
    await desk.group(A, B)
    message = await desk.sent(A, "bad words")
    (outcome,) = await desk.do(report(desk, B, message))
    assert told(outcome) == [("report-updated", 0, B, 2)]
    assert (data(outcome.changes[0]).report.text, outcome.result.replayed) == ("", False)
    await desk.result(desk.delete(A, message.id))
    (again,) = await desk.do(report(desk, B, message))
    assert (again.result.report, again.result.replayed, again.changes) == (outcome.result.report, True, ())
    assert await desk.refusal(report(desk, A, message)) == "MESSAGE_DELETED"
    assert await desk.refusal(report(desk, C, message)) == "MESSAGE_NOT_FOUND"
    (shown,) = (await reports.page(HERE, None, None, 9)).items
    assert (shown.text, shown.reporter_id, shown.status) == ("bad words", B, Status.OPEN)
    resolve = ResolveReport(desk.origin("admin"), shown.id, Status.ACTIONED)
    (closed,) = await desk.do(resolve)
    assert told(closed) == [("report-updated", 0, B, 3)]
    assert (closed.result.status, closed.result.resolved_by) == (Status.ACTIONED, "admin")
    (late,) = await desk.do(ResolveReport(desk.origin("other admin"), shown.id, Status.ACTIONED))
    assert (late.result, late.changes) == (closed.result, ())
    noted = await database.read(lambda connection: connection.scalars(select(audit.c.action)).all())
    assert noted[-2:] == ["message.reported", "report.resolved"]


async def test_reports_are_for_the_admins_of_the_workspace(desk: Desk, reports: SqlReportStore) -> None:
    """In pages, the latest first, all or by how they stand; elsewhere they do not exist."""
    await desk.group(A, B)
    made = [(await desk.result(report(desk, B, await desk.sent(A)))).report.id for _ in range(3)]
    await desk.result(ResolveReport(desk.origin(A), made[1], Status.DISMISSED))
    page = await reports.page(HERE, None, None, 2)
    assert ([r.id for r in page.items], page.has_next) == ([made[2], made[1]], True)
    assert [r.id for r in (await reports.page(HERE, None, Place((made[1],), back=False), 2)).items] == [made[0]]
    assert [r.id for r in (await reports.page(HERE, Status.OPEN, None, 9)).items] == [made[2], made[0]]
    assert not (await reports.page(ELSEWHERE, None, None, 9)).items
    abroad = Desk(desk.journal, ELSEWHERE)
    assert await abroad.refusal(ResolveReport(abroad.origin(A), made[0], Status.DISMISSED)) == "REPORT_NOT_FOUND"

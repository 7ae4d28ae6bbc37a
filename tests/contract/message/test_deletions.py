"""What every journal promises about deletions: what they take at once, what comes back, and what is left in the end."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Connection, Table, func, select

from mesh.database import Database
from mesh.page import Place
from mesh.telemetry.metrics import Metrics, new_registry
from services.message.command import Origin
from services.message.conversations.domain import ArchiveConversation
from services.message.messages.domain import (
    NOBODY,
    UNDELETE,
    ExpireMessage,
    Format,
    Message,
    RestoreVersion,
    UndeleteMessage,
)
from services.message.messages.purge_sql import Purge
from services.message.messages.store import MessageStore
from services.message.pins.domain import PinMessage
from services.message.reactions.domain import React
from services.message.tables import deleted_messages, message_versions, metadata, pins, reactions
from services.message.writer import Writer
from tests.contract.message.desk import A, B, C, Clock, Desk, as_, told


async def count(database: Database, *tables: Table) -> list[int]:
    return await database.read(
        lambda connection: [connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
    )


@pytest.fixture
async def purge(database: Database, desk: Desk) -> AsyncIterator[Purge]:
    async with Writer(desk.journal, lambda command, outcome: None, Metrics(new_registry())) as writer:
        yield Purge(database, writer)


def undelete(desk: Desk, actor: str, message: Message) -> UndeleteMessage:
    return UndeleteMessage(desk.origin(actor), message.id)


async def test_a_tombstone_takes_along_what_hung_on_it(desk: Desk, database: Database, messages: MessageStore) -> None:
    """Reactions are not shown any more, and the pin is gone, which is told."""
    await desk.group(A, B)
    message = await desk.sent(B, "secret", attachments=("file",))
    await desk.do(React(desk.origin(A), message.id, "+1", is_there=True), PinMessage(desk.origin(A), message.id))
    (outcome,) = await desk.do(desk.delete(B, message.id))
    assert told(outcome) == [("message-deleted", 5, "", 0), ("message-unpinned", 6, "", 0)]
    tombstone = await messages.get(as_(A), message.id)
    assert (tombstone.text, tombstone.metadata, tombstone.attachments, tombstone.mentions) == ("", {}, (), NOBODY)
    assert (tombstone.reactions, tombstone.pinned_at, tombstone.undelete_until) == (
        (),
        None,
        outcome.result.undelete_until,
    )
    assert await count(database, pins) == [0]
    assert not (await messages.versions(as_(A), message.id, None, 9)).items


async def test_a_deletion_is_taken_back_with_all_that_was_said(desk: Desk, messages: MessageStore) -> None:
    """And with its reactions and versions. The pin stays away. A repeat is answered without a change."""
    await desk.group(A, B)
    message = await desk.sent(B, "one", attachments=("file",), silent=True)
    await desk.result(desk.edit(B, message.id, "two"))
    await desk.do(React(desk.origin(A), message.id, "+1", is_there=True), PinMessage(desk.origin(A), message.id))
    before = await messages.get(as_(A), message.id)
    await desk.result(desk.delete(B, message.id))
    assert await desk.refusal(undelete(desk, A, message)) == "NOT_AUTHOR"
    (outcome,) = await desk.do(undelete(desk, B, message))
    assert told(outcome) == [("message-updated", 8, "", 0)]
    back = await messages.get(as_(A), message.id)
    assert back == outcome.result
    assert (back.text, back.metadata, back.attachments, back.silent) == ("two", {"k": "v"}, ("file",), True)
    assert (back.reactions, back.pinned_at, back.deleted_at) == (before.reactions, None, None)
    assert [version.text for version in (await messages.versions(as_(A), message.id, None, 9)).items] == ["two", "one"]
    (again,) = await desk.do(undelete(desk, B, message))
    assert (again.result, again.changes) == (back, ())


async def test_what_an_admin_deleted_is_the_admins_to_take_back(desk: Desk) -> None:
    """Not the author's."""
    await desk.group(A, B, C)
    message = await desk.sent(B)
    await desk.result(desk.delete(A, message.id))
    assert await desk.refusal(undelete(desk, B, message)) == "ROLE_TOO_LOW"
    assert await desk.refusal(undelete(desk, "stranger", message)) == "MESSAGE_NOT_FOUND"
    assert (await desk.result(undelete(desk, A, message))).text == "hi"


async def test_after_a_while_it_is_gone_from_the_disk(
    desk: Desk, database: Database, messages: MessageStore, clock: Clock, purge: Purge
) -> None:
    """With earlier versions and who reacted, a few at a time; the tombstone stays."""
    await desk.group(A, B)
    gone = [await desk.sent(B, f"secret {i}") for i in range(3)]
    kept = await desk.sent(B, "kept")
    for message in (*gone, kept):
        await desk.do(desk.edit(B, message.id, "new"), React(desk.origin(A), message.id, "+1", is_there=True))
        await desk.result(desk.delete(B, message.id))
    over = (await messages.get(as_(A), gone[-1].id)).undelete_until
    assert over is not None
    assert [await purge.deleted(over, 2) for _ in range(3)] == [2, 1, 0]
    assert await count(database, deleted_messages, message_versions, reactions) == [1, 1, 1]
    assert await desk.refusal(undelete(desk, B, gone[0])) == "UNDELETE_EXPIRED"
    assert (await messages.get(as_(A), gone[0].id)).deleted_by == B
    clock.now += UNDELETE
    assert await desk.refusal(undelete(desk, B, kept)) == "UNDELETE_EXPIRED"


async def test_no_word_of_a_deleted_message_is_on_the_disk_in_the_end(
    desk: Desk, database: Database, clock: Clock, purge: Purge
) -> None:
    """Looked for in every table."""
    await desk.group(A, B)
    message = await desk.sent(B, "pineapple", format=Format.MARKDOWN, html="<p>pineapple</p>")
    await desk.result(desk.edit(B, message.id, "pineapple too"))
    await desk.result(desk.delete(B, message.id))
    assert await purge.deleted(clock() + UNDELETE, 9) == 1

    def read(connection: Connection) -> dict[str, str]:
        return {table.name: str(connection.execute(select(table)).all()) for table in metadata.sorted_tables}

    found = await database.read(read)
    assert "deleted_messages" in found
    assert [name for name, rows in found.items() if "pineapple" in rows] == []


async def test_a_message_ends_when_it_is_due(
    desk: Desk, database: Database, messages: MessageStore, clock: Clock
) -> None:
    """By nobody and once; with nothing kept of it. One that is not due, or is deleted, is left alone."""
    await desk.group(A, B)
    message = await desk.sent(B, "soon gone", expires_in_s=60)
    await desk.result(desk.edit(B, message.id, "still there"))
    await desk.result(React(desk.origin(A), message.id, "+1", is_there=True))
    expire = ExpireMessage(Origin(workspace_id=desk.workspace_id), message.id)
    (early,) = await desk.do(expire)
    assert (early.result, early.changes) == (False, ())
    clock.now += timedelta(seconds=60)
    due, again = await desk.do(expire, expire)
    assert (due.result, told(due)) == (True, [("message-deleted", 5, "", 0)])
    assert (again.result, again.changes) == (False, ())
    tombstone = await messages.get(as_(A), message.id)
    assert (tombstone.text, tombstone.deleted_by, tombstone.undelete_until) == ("", "", None)
    assert await count(database, deleted_messages, message_versions, reactions) == [0, 0, 0]
    assert await desk.refusal(undelete(desk, B, message)) == "UNDELETE_EXPIRED"


async def test_the_due_ones_are_found(desk: Desk, messages: MessageStore, clock: Clock, purge: Purge) -> None:
    """The first ones first, and no others."""
    await desk.group(A, B)
    due = [await desk.sent(B, expires_in_s=seconds) for seconds in (60, 5, 30)]
    other = [await desk.sent(B), await desk.sent(B, expires_in_s=3600)]
    clock.now += timedelta(seconds=60)
    assert [await purge.expired(clock(), 2) for _ in range(3)] == [2, 1, 0]
    states = [(await messages.get(as_(A), message.id)).deleted_at is not None for message in (*due, *other)]
    assert states == [True] * 3 + [False] * 2


async def test_an_earlier_version_is_made_the_present_one(desk: Desk, messages: MessageStore) -> None:
    """Which is an edit, and its html comes along. Nothing is done twice."""
    await desk.group(A, B)
    message = await desk.sent(A, "*one*", format=Format.MARKDOWN, html="<p><em>one</em></p>")
    await desk.do(desk.edit(A, message.id, "two"), desk.edit(A, message.id, "three"))
    restore = RestoreVersion(desk.origin(A), message.id, 1)
    (outcome,) = await desk.do(restore)
    assert told(outcome) == [("message-updated", 5, "", 0)]
    stored = await messages.get(as_(B), message.id)
    assert stored == outcome.result
    assert (stored.text, stored.html, stored.version) == ("*one*", "<p><em>one</em></p>", 4)
    for version in (1, 4):
        (again,) = await desk.do(RestoreVersion(desk.origin(A), message.id, version))
        assert (again.result, again.changes) == (stored, ())
    assert await desk.refusal(RestoreVersion(desk.origin(A), message.id, 9)) == "VERSION_NOT_FOUND"
    assert await desk.refusal(RestoreVersion(desk.origin(B), message.id, 1)) == "NOT_AUTHOR"
    await desk.result(desk.delete(A, message.id))
    assert await desk.refusal(restore) == "MESSAGE_DELETED"


async def test_versions_are_read_in_pages(desk: Desk, messages: MessageStore) -> None:
    """The present one first, each since when it stood."""
    await desk.group(A, B)
    message = await desk.sent(A, "1")
    edits = [await desk.result(desk.edit(A, message.id, text)) for text in ("2", "3", "4")]
    first = await messages.versions(as_(B), message.id, None, 3)
    assert [(v.version, v.text) for v in first.items] == [(4, "4"), (3, "3"), (2, "2")]
    assert [v.at for v in first.items] == [edit.edited_at for edit in reversed(edits)]
    assert (first.has_prev, first.has_next) == (False, True)
    last = await messages.versions(as_(B), message.id, Place((2,), back=False), 3)
    assert [(v.version, v.at) for v in last.items] == [(1, message.created_at)]
    assert (last.has_prev, last.has_next) == (True, False)
    with pytest.raises(Exception, match="MESSAGE_NOT_FOUND"):
        await messages.versions(as_(C), message.id, None, 3)


async def test_an_archive_is_left_as_it_is(desk: Desk) -> None:
    """Nothing in it is written, edited, deleted, brought back, pinned or reacted to."""
    await desk.group(A, B)
    message, other = await desk.sent(A), await desk.sent(A)
    await desk.result(desk.delete(A, other.id))
    await desk.result(ArchiveConversation(desk.origin(A), "g", True))
    for command in (
        *(desk.send(A), desk.edit(A, message.id, "x"), desk.delete(A, message.id), undelete(desk, A, other)),
        *(PinMessage(desk.origin(A), message.id), React(desk.origin(A), message.id, "x", is_there=True)),
    ):
        assert await desk.refusal(command) == "CONVERSATION_ARCHIVED"


async def test_versions_are_read_to_both_sides_whatever_the_page(desk: Desk, messages: MessageStore) -> None:
    """None is left out and none comes twice, wherever a page begins and however long it is."""
    await desk.group(A)
    message = await desk.sent(A, "1")
    for text in "2345":
        await desk.result(desk.edit(A, message.id, text))
    for limit in (1, 2, 3, 5, 6):
        pages: list[list[int]] = []
        place: Place | None = None
        while True:
            page = await messages.versions(as_(A), message.id, place, limit)
            assert page.has_prev == bool(pages)
            pages.append([version.version for version in page.items])
            if not page.has_next:
                break
            place = Place((pages[-1][-1],), back=False)
        assert [number for page in pages for number in page] == [5, 4, 3, 2, 1]
        for before, after in pairwise(pages):
            page = await messages.versions(as_(A), message.id, Place((after[0],), back=True), limit)
            assert [version.version for version in page.items] == before
            assert (page.has_prev, page.has_next) == (before is not pages[0], True)
    assert not (await messages.versions(as_(A), message.id, Place((5,), back=True), 9)).items

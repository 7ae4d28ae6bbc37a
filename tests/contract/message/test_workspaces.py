"""What every journal and store keeps apart: nothing of one workspace exists for another, whatever is known of it."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from mesh.database import Database
from mesh.errors import NotFound
from services.message.bans.domain import BanUser, UnbanUser
from services.message.bookmarks.domain import PutBookmark
from services.message.command import Command
from services.message.conversations.domain import (
    ArchiveConversation,
    DeleteConversation,
    JoinConversation,
    Kind,
    Role,
    SetPreferences,
)
from services.message.conversations.store import ConversationStore
from services.message.feed.domain import Place
from services.message.feed.store import FeedStore
from services.message.groups.domain import CreateGroup, DeleteGroup, UpdateGroup
from services.message.invites.domain import AcceptInvite, CreateInvite, DeclineInvite, RevokeInvite
from services.message.messages.domain import ForwardMessage, Mentions, RestoreVersion, UndeleteMessage, fingerprint
from services.message.messages.store import MessageStore
from services.message.pins.domain import PinMessage, UnpinMessage
from services.message.reactions.domain import React
from services.message.reports.domain import Category, ReportMessage
from services.message.tables import metadata
from tests.contract.message.desk import ELSEWHERE, HERE, A, B, Desk, as_


@pytest.fixture
def elsewhere(desk: Desk) -> Desk:
    """Writes for another workspace, whose people have the same ids: nothing but the workspace tells them apart."""
    return Desk(desk.journal, ELSEWHERE)


async def test_nothing_is_read_from_elsewhere(
    desk: Desk, conversations: ConversationStore, messages: MessageStore, feed: FeedStore
) -> None:
    """Not even with the ids of a member."""
    await desk.group(A, B)
    message = await desk.sent(A)
    stranger = as_(A, ELSEWHERE)
    for read in (conversations.get(stranger, "g"), conversations.members(stranger, "g", None, 5)):
        with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
            await read
    for page in (messages.before(stranger, "g", None, 5), messages.after(stranger, "g", 0, 5)):
        with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
            await page
    with pytest.raises(NotFound, match="MESSAGE_NOT_FOUND"):
        await messages.get(stranger, message.id)
    assert not (await conversations.page(stranger, None, 5)).items
    assert await feed.heads(stranger) == Place(0, {})
    assert await feed.user_changes(stranger, 0, 9) == []
    assert await feed.joined(stranger, 0, 9) == set()
    assert not await feed.is_member(stranger, "g")


def forwarded(desk: Desk, actor: str, message_id: str) -> ForwardMessage:
    said = fingerprint("", "", {}, forwarded=message_id)
    return ForwardMessage(desk.origin(actor), desk.new_id("m"), "h", "k", "", "", {}, said, message_id=message_id)


async def test_nothing_is_written_from_elsewhere(desk: Desk, elsewhere: Desk, conversations: ConversationStore) -> None:
    """Refused as if it were not there; also next to commands that may, in one transaction."""
    await desk.group(A, B)
    message = await desk.sent(A)
    before = await conversations.get(as_(A), "g")

    def attempts(desk: Desk) -> Sequence[Command]:
        return (
            *(desk.send(A), desk.read(A, 1), desk.rename(A, "x"), desk.add(A, "c")),
            *(desk.promote(A, B, Role.ADMIN), desk.remove(A, B), desk.remove(A, A)),
            *(desk.edit(A, message.id, "x"), desk.delete(A, message.id), RestoreVersion(desk.origin(A), message.id, 1)),
            *(UndeleteMessage(desk.origin(A), message.id), React(desk.origin(A), message.id, "x", is_there=True)),
            *(PinMessage(desk.origin(A), message.id), UnpinMessage(desk.origin(A), message.id)),
            *(PutBookmark(desk.origin(A), message.id, ""), forwarded(desk, A, message.id)),
            ReportMessage(desk.origin(A), desk.new_id("r"), message.id, Category.SPAM, ""),
        )

    outcomes = await desk.do(*attempts(elsewhere), desk.read(A, 1), *attempts(elsewhere))
    reasons = {outcome.error.reason for outcome in outcomes if outcome.error}
    assert reasons == {"CONVERSATION_NOT_FOUND", "MESSAGE_NOT_FOUND"}
    assert [outcome.error is None for outcome in outcomes].count(True) == 1
    after = await conversations.get(as_(A), "g")
    assert (after.conversation, after.last_message) == (before.conversation, before.last_message)


async def test_no_way_leads_in_from_elsewhere(desk: Desk, elsewhere: Desk, conversations: ConversationStore) -> None:
    """Nor is anything ended, or anybody kept out, from there."""
    await desk.group(A, B)
    await desk.result(CreateInvite(desk.origin(A), "g", "i", "c", None, Role.MEMBER, 0, 0))
    await desk.result(CreateGroup(desk.origin(A), "p", "crew", "Crew", (A, B)))
    before = await conversations.get(as_(A), "g")
    by_a, by_c, nobody = elsewhere.origin(A), elsewhere.origin("c"), frozenset[str]()
    outcomes = await desk.do(
        *(ArchiveConversation(by_a, "g", is_archived=True), DeleteConversation(by_a, "g")),
        *(JoinConversation(by_c, "g"), SetPreferences(by_a, "g", {"favourite": True})),
        *(BanUser(by_a, "g", "c", "", None), UnbanUser(by_a, "g", "c")),
        CreateInvite(by_a, "g", "j", "d", None, Role.MEMBER, 0, 0),
        RevokeInvite(by_a, "g", "i", nobody),
        *(AcceptInvite(by_c, "g", "i", nobody), DeclineInvite(by_c, "g", "i", nobody)),
        *(UpdateGroup(by_a, "p", "x", ("c",)), DeleteGroup(by_a, "p")),
    )
    reasons = [outcome.error.reason if outcome.error else "" for outcome in outcomes]
    assert reasons == ["CONVERSATION_NOT_FOUND"] * 8 + ["INVITE_INVALID"] * 2 + ["GROUP_NOT_FOUND"] * 2
    assert await conversations.get(as_(A), "g") == before


async def test_places_are_told_by_workspace(desk: Desk, elsewhere: Desk) -> None:
    """In one transaction too."""
    await desk.group(A)
    outcomes = await desk.do(desk.attach(A), elsewhere.attach(A))
    assert [outcome.result for outcome in outcomes] == [Place(1, {"g": 1}), Place(0, {})]


async def test_a_pair_has_a_dm_in_each_workspace(desk: Desk, elsewhere: Desk) -> None:
    """They are told apart like everything else."""
    here = await desk.result(desk.create(A, B, kind=Kind.DM, id_="d1"))
    there = await elsewhere.result(elsewhere.create("x", "y", kind=Kind.DM, id_="d2"))
    again = await desk.result(desk.create(B, A, kind=Kind.DM, id_="d3"))
    assert (here.conversation_id, there.conversation_id, again.conversation_id) == ("d1", "d2", "d1")


async def test_what_is_called_and_hung_on_is_here(desk: Desk, elsewhere: Desk) -> None:
    """A thread hangs on nothing of another workspace, nothing of it is passed on, and none of its people are called."""
    await desk.group(A, B)
    await elsewhere.group("x", id_="h")
    message = await desk.sent(A)
    assert await elsewhere.refusal(elsewhere.send("x", to="h", thread_root=message.id)) == "THREAD_NOT_FOUND"
    assert await elsewhere.refusal(forwarded(elsewhere, "x", message.id)) == "MESSAGE_NOT_FOUND"
    sent = await elsewhere.sent("x", to="h", mentions=Mentions((A, B, "x")))
    assert sent.mentions == Mentions(("x",))


async def test_an_answer_refers_to_nothing_elsewhere(desk: Desk, elsewhere: Desk) -> None:
    """As to anything outside of its conversation."""
    await desk.group(A)
    await elsewhere.group("x", id_="h")
    message = await desk.sent(A)
    assert await elsewhere.refusal(elsewhere.send("x", to="h", reply_to=message.id)) == "REPLY_NOT_FOUND"


async def test_every_row_says_where_it_belongs(desk: Desk, database: Database) -> None:
    """Whatever wrote it."""
    await desk.group(A, B)
    message = await desk.sent(A, "old")
    await desk.do(desk.edit(A, message.id, "new"), desk.read(B, 1), desk.add(A, "c"))
    tables = [
        table for table in metadata.sorted_tables if table.name not in ("audit", "audit_head", "idempotency_keys")
    ]
    queries = [select(table.c.workspace_id).distinct() for table in tables]
    found = await database.read(lambda connection: [connection.scalars(query).all() for query in queries])
    written = {table.name: list(ids) for table, ids in zip(tables, found, strict=True) if ids}
    assert set(written) >= {"changes", "conversations", "members", "message_versions", "messages", "user_changes"}
    assert written == {name: [HERE] for name in written}

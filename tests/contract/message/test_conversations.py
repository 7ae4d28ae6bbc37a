"""What every journal and store keeps of conversations: lists, the first members, and their end."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from mesh.audit.log import Trail
from mesh.database import Database, open_database
from mesh.page import Place
from mesh.telemetry.metrics import Metrics, new_registry
from services.message.conversations.domain import (
    ArchiveConversation,
    DeleteConversation,
    Filter,
    JoinConversation,
    JoinPolicy,
    Kind,
    Member,
    Role,
    SetBlocked,
    SetPreferences,
    UpdateConversation,
    Visibility,
    joining,
    pair_of,
)
from services.message.conversations.erasure_sql import Erasure
from services.message.conversations.store import ConversationStore
from services.message.feed.store import FeedStore
from services.message.invites.domain import CreateInvite
from services.message.journal_sql import SqlJournal
from services.message.rows import member_values
from services.message.service import MIGRATIONS
from services.message.tables import changes, conversations, members, messages, metadata
from services.message.writer import Writer
from tests.contract.message.desk import ELSEWHERE, A, B, C, Clock, Desk, as_, told
from tests.contract.message.plans import asked, plan


def prefer(desk: Desk, actor: str, id_: str = "g", **preferences: Any) -> SetPreferences:
    return SetPreferences(desk.origin(actor), id_, preferences)


async def channel(desk: Desk, actor: str, id_: str = "g", name: str = "name") -> str:
    """Public and open."""
    await desk.result(desk.create(actor, id_=id_, kind=Kind.CHANNEL))
    settings = {"name": name, "visibility": Visibility.PUBLIC, "join_policy": JoinPolicy.OPEN}
    await desk.result(UpdateConversation(desk.origin(actor), id_, settings))
    return id_


async def crowd(database: Database, store: ConversationStore, count: int) -> list[Member]:
    """Adds members to `g` past the journal, in no time."""
    conversation = (await store.get(as_(A), "g")).conversation
    user_ids = [f"u{i:05}" for i in range(count)]
    joined = joining(conversation, user_ids, Role.MEMBER, conversation.created_at + timedelta(days=1))
    rows = [member_values(member) for member in joined]
    raised = update(conversations).where(conversations.c.id == "g").values(member_count=1 + count)

    def work(connection: Any) -> None:
        connection.execute(insert(members), rows)
        connection.execute(raised)

    await database.write(work)
    return joined


async def test_the_first_members_are_found_however_many_there_are(
    desk: Desk, conversations: ConversationStore, database: Database
) -> None:
    """One step into an index leads to the last of them."""
    await desk.group(A)
    await desk.group(A, B, id_="h")
    joined = await crowd(database, conversations, 300)
    with asked(database) as queries:
        page = await conversations.page(as_(A), None, 5)
    shown = [[member.user_id for member in view.members] for view in page.items]
    assert shown == [[A, B], [A, *[member.user_id for member in joined[:9]]]]
    (query,) = [
        query for query in queries if "LIMIT" in query[0] and "joined_at" in query[0] and "last_pos" not in query[0]
    ]
    steps = plan(database, query)
    assert "ix_members_conversation_id_joined_at_user_id" in steps
    assert "SCAN m" not in steps
    assert "Seq Scan" not in steps


async def test_members_who_join_at_one_moment_are_not_too_many(desk: Desk, conversations: ConversationStore) -> None:
    """As those added by several commands of a batch."""
    await desk.group(A)
    await desk.do(*[desk.add(A, *[f"u{i}{j}" for j in range(5)]) for i in range(6)])
    view = await conversations.get(as_(A), "g")
    assert (len(view.members), view.conversation.member_count) == (10, 31)


async def test_all_who_come_at_once_get_one_picture(desk: Desk, feed: FeedStore) -> None:
    """As it is after the last of them."""
    await desk.group(A)
    (outcome,) = await desk.do(desk.add(A, B, C, "d"))
    bodies = {change.body for change in outcome.changes if change.type == "conversation-added"}
    assert len(bodies) == 1
    assert [change.pos for change in outcome.changes if change.pos] == [2, 3, 4]
    (own,) = await feed.user_changes(as_(B), 0, 9)
    assert own.body in bodies


async def test_a_list_shows_what_its_filter_keeps(desk: Desk, conversations: ConversationStore, clock: Clock) -> None:
    """Each by itself; hidden ones come back with the next message."""
    for id_ in ("g", "h", "i", "j", "k"):
        await desk.group(A, B, id_=id_)
    await desk.do(desk.send(B, to="g"), desk.send(A, to="h"))
    gone = await desk.sent(B, to="i")
    await desk.do(desk.delete(B, gone.id), ArchiveConversation(desk.origin(A), "k", is_archived=True))
    later = clock.now + timedelta(hours=1)
    await desk.do(prefer(desk, A, "h", favourite=True), prefer(desk, A, "i", muted_until=later))
    await desk.do(prefer(desk, A, "j", hidden=True))

    async def kept(filter_: Filter, now: Any = None) -> str:
        page = await conversations.page(as_(A), None, 9, filter_, now or clock.now)
        return "".join(view.conversation.id for view in page.items)

    assert [await kept(f) for f in Filter] == ["kihg", "g", "i", "h", "k", "j"]
    assert await kept(Filter.MUTED, later) == ""
    await desk.sent(B, to="j")
    assert [await kept(Filter.ALL), await kept(Filter.UNREAD), await kept(Filter.HIDDEN)] == ["kjihg", "jg", ""]


async def test_a_list_is_whole_while_a_thousand_are_made(desk: Desk, conversations: ConversationStore) -> None:
    """Each that was there when the first page was read comes once."""
    there = [await desk.group(A, id_=f"c{i:02}") for i in range(30)]
    seen: list[str] = []
    place = None
    for number in range(100):
        page = await conversations.page(as_(A), place, 7)
        seen += [view.conversation.id for view in page.items]
        await desk.do(*[desk.create(A, id_=f"n{number}-{i}") for i in range(100)])
        if not page.has_next:
            break
        place = Place((seen[-1],), back=False)
    assert seen == there[::-1]


async def test_public_channels_are_found_by_an_index(
    desk: Desk, conversations: ConversationStore, database: Database
) -> None:
    """And never by a look at all conversations."""
    ids = [await channel(desk, A, f"c{i}", f"name{i}") for i in range(4)]
    await desk.group(A)
    await desk.result(ArchiveConversation(desk.origin(A), ids[3], is_archived=True))
    await desk.result(DeleteConversation(desk.origin(A), ids[2]))
    await desk.result(JoinConversation(desk.origin(B), ids[0]))
    with asked(database) as queries:
        found = await conversations.channels(as_(B), "NAME", None, 9)
    assert [(listed.conversation.id, listed.is_joined) for listed in found.items] == [(ids[1], False), (ids[0], True)]
    assert "ix_conversations_public" in plan(database, queries[0])


async def test_the_end_is_told_to_all_members(desk: Desk, feed: FeedStore, conversations: ConversationStore) -> None:
    """In the log, and in their own, whoever came in the same batch."""
    await desk.group(A, B)
    add, end = await desk.do(desk.add(A, C), DeleteConversation(desk.origin(A), "g"))
    assert add.error is None
    assert told(end)[0] == ("conversation-deleted", 3, "", 0)
    assert {user_id for _, _, user_id, _ in told(end)[1:]} == {A, B, C}
    assert not (await conversations.page(as_(A), None, 5)).items
    assert await desk.refusal(DeleteConversation(desk.origin(A), "g")) == "CONVERSATION_NOT_FOUND"
    assert await desk.refusal(desk.send(A)) == "CONVERSATION_NOT_FOUND"


@pytest.mark.parametrize("actor", [B, C])
async def test_only_an_owner_ends_a_conversation(desk: Desk, actor: str) -> None:
    """Whoever else tries."""
    await desk.group(A, B)
    await desk.result(desk.promote(A, B, Role.ADMIN))
    reason = await desk.refusal(DeleteConversation(desk.origin(actor), "g"))
    assert reason == {B: "ROLE_TOO_LOW", C: "CONVERSATION_NOT_FOUND"}[actor]


async def test_what_has_ended_is_erased_a_few_rows_at_a_time(desk: Desk, database: Database, clock: Clock) -> None:
    """When the bus has all of it; other conversations stay as they are."""
    for id_ in ("g", "h"):
        await desk.group(A, B, id_=id_)
        await desk.do(*[desk.send(A, str(i), id_) for i in range(30)])
        message = await desk.sent(A, "old", id_)
        await desk.do(desk.edit(A, message.id, "new"))
        await desk.do(CreateInvite(desk.origin(A), id_, f"i{id_}", C, None, Role.MEMBER, 0, 0))
    before = await _rows(database, "h")
    await desk.result(DeleteConversation(desk.origin(A), "g"))
    erasure = Erasure(database)
    assert await erasure.sweep(clock.now, 10) == 0
    await database.write(lambda connection: connection.execute(update(changes).values(published=1)))
    portions: list[int] = []
    while not portions or portions[-1] == 10:
        portions.append(await erasure.sweep(clock.now, 10))
    assert len(portions) > 3
    assert set((await _rows(database, "g")).values()) == {0}
    assert await _rows(database, "h") == before
    left = await database.read(lambda connection: connection.scalar(select(func.count()).select_from(messages)))
    assert left == 31


async def _rows(database: Database, conversation_id: str) -> dict[str, int]:
    """How many rows of each table belong to a conversation, own logs apart."""
    tables = [t for t in metadata.sorted_tables if "conversation_id" in t.c and t.name != "user_changes"]
    counts = [select(func.count()).select_from(t).where(t.c.conversation_id == conversation_id) for t in tables]
    counts.append(select(func.count()).where(conversations.c.id == conversation_id))
    found: Sequence[int] = await database.read(lambda connection: [connection.scalar(count) or 0 for count in counts])
    return dict(zip([*[t.name for t in tables], "conversations"], found, strict=True))


async def test_two_of_whom_one_refuses_do_not_write(desk: Desk) -> None:
    """Until neither refuses; repeats change nothing, and what they have elsewhere goes on."""
    dm = (await desk.result(desk.create(A, B, kind=Kind.DM))).conversation_id
    await desk.group(A, B)

    def block(user_id: str, is_blocked: bool, *pair: str) -> SetBlocked:
        return SetBlocked(desk.origin(""), pair_of(*pair or (A, B)), user_id, is_blocked)

    async def reasons() -> list[str]:
        outcomes = await desk.do(desk.send(A, to=dm), desk.send(B, to=dm), desk.send(A))
        return [outcome.error.reason if outcome.error else "" for outcome in outcomes]

    refused, fine = ["CONTACT_REFUSED", "CONTACT_REFUSED", ""], ["", "", ""]
    assert await reasons() == fine
    for commands, expected in (
        ([block(A, True)], refused),
        ([block(A, True), block(B, True)], refused),
        ([block(A, False)], refused),
        ([block(B, False), block(B, False)], fine),
        ([block(A, True, A, C), block(A, False, A, B)], fine),
    ):
        assert [outcome.changes for outcome in await desk.do(*commands)] == [()] * len(commands)
        assert await reasons() == expected
    made, _, sent = await desk.do(
        desk.create(A, C, kind=Kind.DM, id_="new"), block(C, True, A, C), desk.send(A, to="new")
    )
    assert made.error is None
    assert sent.error is not None
    assert sent.error.reason == "CONTACT_REFUSED"
    elsewhere = Desk(desk.journal, ELSEWHERE)
    await elsewhere.do(SetBlocked(elsewhere.origin(""), pair_of(A, B), A, True))
    assert await reasons() == fine


async def test_a_pair_has_one_dm_though_two_processes_make_it(database: Database, desk: Desk, trail: Trail) -> None:
    """Whoever comes second is answered with what is there."""
    if database.engine.dialect.name == "sqlite":
        pytest.skip("one process has the file for itself")
    url, metrics = database.engine.url.render_as_string(hide_password=False), Metrics(new_registry())
    async with (
        open_database(url, MIGRATIONS) as second,
        Writer(desk.journal, lambda command, outcome: None, metrics) as one,
        Writer(SqlJournal(second, Clock(), trail), lambda command, outcome: None, metrics) as other,
    ):
        for i in range(10):
            made = await asyncio.gather(
                one.submit(desk.create(A, f"u{i}", kind=Kind.DM)), other.submit(desk.create(f"u{i}", A, kind=Kind.DM))
            )
            assert made[0].conversation_id == made[1].conversation_id
            assert sorted(created.replayed for created in made) == [False, True]

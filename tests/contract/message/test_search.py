"""The index follows the logs, and finds only what who asks may read now."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from mesh.database import Database
from services.message.conversations.domain import DeleteConversation
from services.message.conversations.erasure_sql import Erasure
from services.message.messages.domain import Mentions, Message, UndeleteMessage
from services.message.search import index_sql
from services.message.search.domain import Question, terms
from services.message.search.index import Index
from services.message.search.index_sql import SqlIndex
from services.message.search.store import Finds, SearchStore
from services.message.search.store_sql import SqlSearchStore
from services.message.search.words_sql import drop_conversation
from services.message.tables import changes, conversations
from tests.contract.message.desk import ELSEWHERE, HERE, A, B, Clock, Desk, as_
from tests.contract.message.plans import asked, plan


@pytest.fixture
def index(database: Database) -> Index:
    return SqlIndex(database)


@pytest.fixture
def store(database: Database) -> SearchStore:
    return SqlSearchStore(database)


class Searcher:
    def __init__(self, index: Index, store: SearchStore) -> None:
        self.index, self.store = index, store

    async def catch_up(self) -> None:
        while dirty := await self.index.dirty("", 100):
            await self.index.advance(dirty)

    async def finds(self, q: str, user_id: str = A, *, upto: int | None = None, limit: int = 50, **of: Any) -> Finds:
        return await self.store.find(as_(user_id), Question(terms(q), **of), upto, limit)

    async def texts(self, q: str, user_id: str = A, **filters: Any) -> list[str]:
        await self.catch_up()
        return [found.message.text for found in (await self.finds(q, user_id, **filters)).items]


@pytest.fixture
def search(index: Index, store: SearchStore) -> Searcher:
    return Searcher(index, store)


async def test_messages_are_found_by_all_of_their_words(desk: Desk, search: Searcher) -> None:
    """In any order, by how they begin, without case and accents; the latest first."""
    await desk.group(A)
    for text in ("The red fox", "A fox, red and old", "Ärger mit Füchsen", "reddish foxes", "fox"):
        await desk.sent(A, text)
    assert await search.texts("fox red") == ["reddish foxes", "A fox, red and old", "The red fox"]
    assert await search.texts("FUCHS") == ["Ärger mit Füchsen"]
    assert await search.texts("ox") == []
    assert await search.texts('"red fox"') == ["The red fox"]
    assert await search.texts('"fox red" old') == ["A fox, red and old"]
    assert await search.texts('"red fo"') == []


async def test_languages_without_spaces_are_found(desk: Desk, search: Searcher) -> None:
    """Any part of what is written."""
    await desk.group(A)
    await desk.sent(A, "東京タワーへ行きます")
    assert await search.texts("タワー") == ["東京タワーへ行きます"]
    assert await search.texts("京東") == []


@pytest.mark.parametrize(
    "q",
    [
        "fox OR secret",
        "fox* NOT x",
        "NEAR(fox)",
        "words:fox",
        "{words} : fox",
        "^fox",
        "fox'); DROP TABLE messages; --",
        "fox & !x | (y",
        "fox:* <-> x",
        "fox\\",
        '"fox',
        'fox"""',
        "'fox' \"x\"y",
        "fox\u0301\ufeff",
    ],
)
async def test_a_question_is_words_and_nothing_else(desk: Desk, search: Searcher, q: str) -> None:
    """Whatever has a meaning to a database is a word, or what stands between words."""
    await desk.group(A)
    await desk.sent(A, "fox")
    await desk.group(B, id_="other")
    await desk.sent(B, "secret fox", to="other")
    only = sum((term.tokens for term in terms(q)), ()) == ("fox",)
    assert await search.texts(q) == (["fox"] if only else [])


async def test_edits_deletions_and_their_end_are_followed(desk: Desk, search: Searcher) -> None:
    """What a message says now is found, and nothing else that it said."""
    await desk.group(A)
    message = await desk.sent(A, "first words")
    assert await search.texts("first") == ["first words"]
    await desk.do(desk.edit(A, message.id, "second words"))
    assert (await search.texts("first"), await search.texts("second")) == ([], ["second words"])
    await desk.do(desk.delete(A, message.id))
    assert (await search.texts("second"), await search.texts("words")) == ([], [])
    await desk.do(UndeleteMessage(desk.origin(A), message.id))
    assert await search.texts("second") == ["second words"]


async def test_a_message_that_is_deleted_is_not_shown_before_the_index_knows(desk: Desk, search: Searcher) -> None:
    """What was found is read as it is now."""
    await desk.group(A)
    message = await desk.sent(A, "words")
    await search.catch_up()
    await desk.do(desk.delete(A, message.id))
    finds = await search.finds("words")
    assert (finds.items, finds.indexing) == ([], True)


async def test_only_what_one_may_read_now_is_found(desk: Desk, search: Searcher) -> None:
    """Members find all of history; others, and who was one, nothing: nor does another workspace."""
    await desk.group(A)
    await desk.sent(A, "words")
    assert await search.texts("words", B) == []
    await desk.do(desk.add(A, B))
    assert await search.texts("words", B) == ["words"]
    await desk.do(desk.remove(A, B))
    assert await search.texts("words", B) == []
    assert await search.texts("words", B, conversation_id="g") == []
    finds = await search.store.find(as_(A, ELSEWHERE), Question(terms("words")), None, 10)
    assert (finds.items, finds.indexing) == ([], False)


async def test_conversations_that_share_a_name_in_the_index_are_told_apart(
    desk: Desk, search: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names there are short; who reads looks at what was found."""
    for module in ("entries", "words_sql"):
        monkeypatch.setattr(f"services.message.search.{module}.scope_of", lambda id_: "0000000000")
    await desk.group(A)
    await desk.group(B, id_="other")
    await desk.sent(A, "words of anna")
    await desk.sent(B, "words of bela", to="other")
    assert await search.texts("words", A) == ["words of anna"]
    await desk.do(desk.add(B, A, to="other"))
    assert await search.texts("words", A, conversation_id="g") == ["words of anna"]


async def everything(desk: Desk, clock: Clock) -> dict[str, Message]:
    """Messages that differ in all that is asked for."""
    await desk.group(A, B)
    await desk.group(A, B, id_="other")
    root = await desk.sent(A, "word root")
    return {
        "root": root,
        "elsewhere": await desk.sent(A, "word elsewhere", to="other"),
        "bela": await desk.sent(B, "word bela"),
        "file": await desk.sent(A, "word file", attachments=("file",)),
        "reply": await desk.sent(A, "word reply", thread_root=root.id),
        "called": await desk.sent(A, "word called", mentions=Mentions(user_ids=(B,))),
        "all": await desk.sent(A, "word all", mentions=Mentions(all=True)),
    }


async def test_filters_narrow_what_is_found(desk: Desk, search: Searcher, clock: Clock) -> None:
    """Each by itself and together."""
    written = await everything(desk, clock)

    async def names(**filters: Any) -> list[str]:
        return [text.removeprefix("word ") for text in await search.texts("word", B, **filters)]

    assert await names() == ["all", "called", "reply", "file", "bela", "elsewhere", "root"]
    assert await names(conversation_id="other") == ["elsewhere"]
    assert await names(sender_id=B) == ["bela"]
    assert await names(has_attachments=True) == ["file"]
    assert await names(thread_root=written["root"].id) == ["reply"]
    assert await names(mentions_me=True) == ["all", "called"]
    assert await names(after=written["file"].created_at, before=written["called"].created_at) == ["reply", "file"]
    later = written["file"].created_at + timedelta(microseconds=1)
    assert await names(after=later, sender_id=A, conversation_id="g") == ["all", "called", "reply"]
    assert await names(has_attachments=True, sender_id=B) == []


async def test_finds_come_by_pages(desk: Desk, search: Searcher) -> None:
    """Each once, also while others are written; also when what was found is gone by now."""
    await desk.group(A)
    sent = [await desk.sent(A, f"word {number}") for number in range(7)]
    await search.catch_up()
    first = await search.finds("word", limit=3)
    assert ([f.message.text for f in first.items], first.has_next) == (["word 6", "word 5", "word 4"], True)
    await desk.sent(A, "word new")
    await search.catch_up()
    await desk.do(desk.delete(A, sent[3].id), desk.delete(A, sent[2].id))
    second = await search.finds("word", upto=first.items[-1].id, limit=3)
    assert ([f.message.text for f in second.items], second.has_next) == (["word 1", "word 0"], False)


async def test_many_conversations_are_asked_in_parts(
    desk: Desk, search: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same finds in the same order."""
    for number in range(6):
        await desk.group(A, id_=f"c{number}")
    for number in (3, 0, 5, 1, 4, 2):
        await desk.sent(A, f"word {number}", to=f"c{number}")
    monkeypatch.setattr("services.message.search.store_sql.MAX_PARTS", 2)
    assert await search.texts("word") == [f"word {number}" for number in (2, 4, 1, 5, 0, 3)]


async def test_it_is_told_when_something_cannot_be_found_yet(desk: Desk, search: Searcher) -> None:
    """Of one's own conversations, or of the one asked for."""
    await desk.group(A)
    await desk.group(B, id_="other")
    await search.catch_up()
    await desk.sent(A, "word")
    assert (await search.finds("word")).indexing
    assert not (await search.finds("word", B)).indexing
    await search.catch_up()
    assert not (await search.finds("word")).indexing


async def test_a_log_is_taken_in_step_by_step(
    desk: Desk, search: Searcher, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long one keeps no short one from the index, and nothing is left out."""
    monkeypatch.setattr(index_sql, "BATCH", 3)
    await desk.group(A, id_="long")
    await desk.group(A, id_="short")
    for number in range(8):
        await desk.sent(A, f"word {number}", to="long")
    await desk.sent(A, "word short", to="short")
    keys, rounds = [(HERE, "long"), (HERE, "short")], 0
    while keys:
        keys, rounds = list(await index.advance(keys)), rounds + 1
    assert rounds == 4
    assert len(await search.texts("word")) == 9


async def test_what_another_process_has_taken_in_is_not_taken_in_again(
    desk: Desk, search: Searcher, index: Index, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither over what is newer, nor twice."""
    await desk.group(A)
    await desk.sent(A, "word")
    written, write = list[bool](), database.write

    async def late(work: Any) -> Any:
        if not written:
            written.append(True)
            await SqlIndex(database).advance([(HERE, "g")])
        return await write(work)

    monkeypatch.setattr(database, "write", late)
    assert await index.advance([(HERE, "g")]) == [(HERE, "g")]
    assert await index.advance([(HERE, "g")]) == []
    assert await search.texts("word") == ["word"]


async def test_messages_of_one_moment_keep_their_order(desk: Desk, search: Searcher, database: Database) -> None:
    """A batch of writes, or an import, has one time for all."""
    await desk.group(A)
    outcomes = await desk.do(*[desk.send(A, f"word {number}") for number in range(20)])
    assert len({outcome.result.message.created_at for outcome in outcomes}) == 1
    assert await search.texts("word") == [f"word {number}" for number in reversed(range(20))]


async def test_two_messages_never_share_a_number(desk: Desk, search: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many want the same one."""
    monkeypatch.setattr("services.message.search.entries._wanted_id", lambda message: 7)
    await desk.group(A)
    await desk.do(*[desk.send(A, f"word {number}") for number in range(3)])
    await search.catch_up()
    await desk.do(*[desk.send(A, f"word {number}") for number in range(3, 6)])
    assert sorted(await search.texts("word")) == [f"word {number}" for number in range(6)]


@pytest.mark.parametrize("text", ["x " * 5000, "a" * 10_000, "'" * 100 + "word", "\\ word \\", "é" * 300, "🦊 word"])
async def test_every_text_can_be_taken_in(desk: Desk, search: Searcher, text: str) -> None:
    """Whatever stands in it."""
    await desk.group(A)
    await desk.sent(A, f"{text} last")
    assert len(await search.texts("last")) == 1


async def test_what_has_ended_leaves_the_index(desk: Desk, search: Searcher, database: Database, clock: Clock) -> None:
    """With the conversation that it stood in."""
    await desk.group(A, B)
    for number in range(5):
        await desk.sent(A, f"word {number}")
    await search.catch_up()
    await desk.do(DeleteConversation(desk.origin(A), "g"))
    assert await search.texts("word") == []
    assert await search.index.dirty("", 10) == []
    await database.write(lambda connection: connection.execute(update(changes).values(published=1)))
    while await Erasure(database).sweep(clock.now, 3) == 3:
        pass
    assert await database.write(lambda connection: drop_conversation(connection, "g", 10)) == 0


async def test_an_index_answers(desk: Desk, search: Searcher, database: Database) -> None:
    """Of the words, however many messages there are; and who asks is looked up by their memberships."""
    await desk.group(A, B)
    await desk.do(*[desk.send(A, f"word {number}") for number in range(300)])
    await search.catch_up()
    with asked(database) as queries:
        await search.finds("word", mentions_me=True)
        await search.finds("wor wo", B, sender_id=A)
    plans = [plan(database, query) for query in queries if "search_words" in query[0]]
    assert len(plans) == 2
    for found in plans:
        if database.engine.dialect.name == "sqlite":
            assert "VIRTUAL TABLE INDEX" in found
            assert "M" in found.partition("VIRTUAL TABLE INDEX")[2].partition("\n")[0]
            assert found.count("SCAN") == 1
            assert "TEMP B-TREE" not in found
        else:
            assert "Bitmap Index Scan on ix_search_words" in found
            assert "Seq Scan on search_words" not in found
    if database.engine.dialect.name == "postgresql":
        query = "SELECT reloptions FROM pg_class WHERE oid = 'ix_search_words'::regclass"
        options = await database.read(lambda connection: connection.exec_driver_sql(query).scalar_one())
        assert options == ["fastupdate=off"]


async def test_what_is_not_in_the_index_is_found_at_the_start(
    desk: Desk, search: Searcher, index: Index, database: Database
) -> None:
    """By pages of conversations; those that are in it are passed over."""
    for number in range(5):
        await desk.group(A, id_=f"c{number}")
    everything = update(conversations).values(indexed_pos=conversations.c.last_pos)
    await database.write(lambda connection: connection.execute(everything))
    assert await index.dirty("", 10) == []
    for number in (0, 3, 4):
        await desk.sent(A, "word", to=f"c{number}")
    assert await index.dirty("", 2) == [(HERE, "c0"), (HERE, "c3")]
    assert await index.dirty("c3", 2) == [(HERE, "c4")]

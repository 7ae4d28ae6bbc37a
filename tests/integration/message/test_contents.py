"""What messages carry, and what becomes of it, as clients of MessageService see it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import message_service_pb2 as pb
from chat.message.v1.message_pb2 import MESSAGE_FORMAT_MARKDOWN, MESSAGE_FORMAT_PLAIN, Attachment, Mentions, Message
from mesh.errors import Conflict, Forbidden, Invalid, NotFound, WrongState
from mesh.page import MAX_BYTES
from services.message.writer import Writer
from tests.integration.message.world import World


def new_id() -> str:
    return str(uuid7())


async def edit(world: World, user_id: str, id_: str, text: str, **about: Any) -> Message:
    request = pb.EditMessageRequest(id=id_, text=text, **about)
    return (await world.ask(world.messages.EditMessage, request, user_id)).message


async def delete(world: World, user_id: str, id_: str) -> Message:
    return (await world.ask(world.messages.DeleteMessage, pb.DeleteMessageRequest(id=id_), user_id)).message


async def get(world: World, user_id: str, id_: str) -> Message:
    return (await world.ask(world.messages.GetMessage, pb.GetMessageRequest(id=id_), user_id)).message


async def test_markdown_comes_with_its_html(world: World, anna: str) -> None:
    """Rendered when it is written and when it is edited; a plain text has none and stays plain."""
    group = await world.create(anna)
    message = await world.send(anna, group.id, "*hi* <b>", format=MESSAGE_FORMAT_MARKDOWN)
    assert (message.format, message.html) == (MESSAGE_FORMAT_MARKDOWN, "<p><em>hi</em> &lt;b&gt;</p>")
    edited = await edit(world, anna, message.id, "**hi**")
    assert (edited.text, edited.html) == ("**hi**", "<p><strong>hi</strong></p>")
    plain = await world.send(anna, group.id, "*hi*")
    assert (plain.format, plain.html) == (MESSAGE_FORMAT_PLAIN, "")
    assert (await edit(world, anna, plain.id, "**hi**")).html == ""


async def test_a_message_may_be_files_alone(world: World, anna: str) -> None:
    """Up to ten, each once; a message without text and files is none."""
    group, file, other = await world.create(anna), new_id(), new_id()
    files = [Attachment(file_id=id_) for id_ in (file, other, file)]
    message = await world.send(anna, group.id, "", attachments=files)
    assert [attachment.file_id for attachment in message.attachments] == [file, other]
    with pytest.raises(Invalid, match="write a text or attach a file"):
        await world.send(anna, group.id, "")
    with pytest.raises(Invalid, match="attachments"):
        await world.send(anna, group.id, "x", attachments=[Attachment(file_id=new_id()) for _ in range(11)])


async def test_a_repeat_says_the_same_in_everything(world: World, anna: str, bela: str) -> None:
    """Whatever is told apart in a message is told apart in a repeat; the order of those who are called is not."""
    group = await world.create(anna, bela)
    root = await world.send(anna, group.id, "root")
    content: dict[str, Any] = {"mentions": Mentions(user_ids=[anna, bela]), "thread_root": root.id}
    first = await world.send(anna, group.id, "x", client_msg_id="k", **content)
    content["mentions"] = Mentions(user_ids=[bela, anna])
    assert await world.send(anna, group.id, "x", client_msg_id="k", **content) == first
    for changed in (
        *({"mentions": Mentions()}, {"mentions": Mentions(user_ids=[anna])}, {"thread_root": ""}, {"silent": True}),
        *({"format": MESSAGE_FORMAT_MARKDOWN}, {"attachments": [Attachment(file_id=new_id())]}, {"expires_in_s": 9}),
    ):
        with pytest.raises(Conflict, match="CLIENT_MSG_ID_CONFLICT"):
            await world.send(anna, group.id, "x", client_msg_id="k", **{**content, **changed})
    explicit = await world.send(anna, group.id, "x", client_msg_id="k", **content, format=MESSAGE_FORMAT_PLAIN)
    assert explicit == first


async def test_whom_a_message_calls_counts_for_them(world: World, anna: str, bela: str, cleo: str) -> None:
    """Until it is deleted. An edit that says nothing of it leaves it as it is."""
    group = await world.create(anna, bela)
    message = await world.send(anna, group.id, "hey", mentions=Mentions(user_ids=[bela, cleo]))
    assert list(message.mentions.user_ids) == [bela]
    assert (await world.get(bela, group.id)).mention_count == 1
    assert (await edit(world, anna, message.id, "hey you")).mentions == message.mentions
    assert not (await edit(world, anna, message.id, "hey you", mentions=Mentions())).HasField("mentions")
    assert (await world.get(bela, group.id)).mention_count == 0
    everybody = await world.send(anna, group.id, "all", mentions=Mentions(all=True))
    assert (await world.get(bela, group.id)).mention_count == 1
    await delete(world, anna, everybody.id)
    assert (await world.get(bela, group.id)).mention_count == 0
    with pytest.raises(Forbidden, match="ROLE_TOO_LOW"):
        await world.send(bela, group.id, "all", mentions=Mentions(here=True))


async def test_a_thread_is_read_by_itself(world: World, anna: str, bela: str) -> None:
    """In pages both ways; the root tells how much there is."""
    group = await world.create(anna, bela)
    root = await world.send(anna, group.id, "root")
    replies = [await world.send(bela, group.id, f"{i}", thread_root=root.id) for i in range(5)]
    assert (replies[0].thread.root_id, replies[0].thread.reply_count) == (root.id, 0)
    thread = (await get(world, anna, root.id)).thread
    assert (thread.root_id, thread.reply_count, thread.last_seq) == (root.id, 5, 6)

    async def page(cursor: str = "") -> pb.ListRepliesResponse:
        request = pb.ListRepliesRequest(id=root.id, cursor=cursor, limit=2)
        return await world.ask(world.messages.ListReplies, request, bela)

    first = await page()
    second = await page(first.page.next_cursor)
    third = await page(second.page.next_cursor)
    assert [*first.items, *second.items, *third.items] == replies
    assert (third.page.has_more, third.page.next_cursor) == (False, "")
    assert (await page(second.page.prev_cursor)).items == first.items
    with pytest.raises(NotFound, match="THREAD_NOT_FOUND"):
        await world.send(anna, group.id, "x", thread_root=replies[0].id)


async def test_a_feed_tells_of_a_thread_at_its_root(world: World, anna: str, bela: str) -> None:
    """After the reply."""
    group = await world.create(anna, bela)
    root = await world.send(anna, group.id, "root")
    async with world.subscribe(anna) as feed:
        await feed.ready()
        await world.send(bela, group.id, "reply", thread_root=root.id)
        new, updated = await feed.changes(2)
    assert (new.type, new.data.message.thread.root_id) == ("message-new", root.id)
    assert (updated.type, updated.pos, updated.data.thread.reply_count) == ("thread-updated", new.pos + 1, 1)


async def test_the_page_around_a_message(world: World, anna: str) -> None:
    """With cursors to both sides; and with the message itself, however large the others are."""
    group = await world.create(anna)
    messages = [await world.send(anna, group.id, f"{i}") for i in range(9)]

    async def page(**place: Any) -> pb.ListMessagesResponse:
        request = pb.ListMessagesRequest(conversation_id=group.id, **place)
        return await world.ask(world.messages.ListMessages, request, anna)

    middle = await page(around_seq=5, limit=3)
    assert middle.items == messages[3:6]
    assert (await page(cursor=middle.page.prev_cursor, limit=9)).items == messages[:3]
    assert (await page(cursor=middle.page.next_cursor, limit=9)).items == messages[6:]
    start, end = await page(around_seq=1, limit=4), await page(around_seq=9, limit=4)
    assert start.items == messages[:4]
    assert (start.page.prev_cursor, end.page.next_cursor) == ("", "")
    with pytest.raises(Invalid, match="give one of"):
        await page(around_seq=5, before_seq=4)


async def test_a_page_around_a_message_that_is_too_large_keeps_its_middle(world: World, anna: str) -> None:
    """Both sides give way, and nothing is left out between what is shown and what the cursors lead to."""
    group = await world.create(anna)
    text = "\U0001f600" * 10_000
    texts = pb.BatchSendMessagesRequest(
        items=[pb.SendMessageRequest(conversation_id=group.id, text=text) for _ in range(50)]
    )
    for _ in range(2):
        await world.ask(world.messages.BatchSendMessages, texts, anna)
    request = pb.ListMessagesRequest(conversation_id=group.id, around_seq=50, limit=100)
    found = await world.ask(world.messages.ListMessages, request, anna)
    seqs = [message.seq for message in found.items]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))
    assert seqs[0] < 50 < seqs[-1]
    assert found.ByteSize() < MAX_BYTES * 1.01
    request = pb.ListMessagesRequest(conversation_id=group.id, cursor=found.page.next_cursor, limit=1)
    (after,) = (await world.ask(world.messages.ListMessages, request, anna)).items
    assert after.seq == seqs[-1] + 1


async def test_versions_can_be_read_and_restored(world: World, anna: str, bela: str) -> None:
    """By those who can read the message; a restored one is an edit."""
    group = await world.create(anna, bela)
    message = await world.send(anna, group.id, "*1*", format=MESSAGE_FORMAT_MARKDOWN)
    for text in ("2", "3"):
        await edit(world, anna, message.id, text)

    async def page(cursor: str = "") -> pb.ListVersionsResponse:
        request = pb.ListVersionsRequest(id=message.id, cursor=cursor, limit=2)
        return await world.ask(world.messages.ListVersions, request, bela)

    first = await page()
    second = await page(first.page.next_cursor)
    shown = [(v.version, v.text, v.html) for v in (*first.items, *second.items)]
    assert shown == [(3, "3", "<p>3</p>"), (2, "2", "<p>2</p>"), (1, "*1*", "<p><em>1</em></p>")]
    assert second.items[0].created_at == message.created_at
    restore = pb.RestoreVersionRequest(id=message.id, version=1)
    restored = (await world.ask(world.messages.RestoreVersion, restore, anna)).message
    assert (restored.text, restored.version, restored.html) == ("*1*", 4, message.html)
    with pytest.raises(NotFound, match="VERSION_NOT_FOUND"):
        await world.ask(world.messages.RestoreVersion, pb.RestoreVersionRequest(id=message.id, version=9), anna)


async def test_a_deletion_can_be_taken_back(world: World, anna: str, bela: str) -> None:
    """The tombstone tells until when. In between nothing of the text is shown."""
    group = await world.create(anna, bela)
    message = await world.send(bela, group.id, "words", attachments=[Attachment(file_id=new_id())])
    tombstone = await delete(world, bela, message.id)
    assert tombstone.undelete_until.ToDatetime(UTC) > datetime.now(UTC)
    assert (tombstone.text, list(tombstone.attachments)) == ("", [])
    request = pb.UndeleteMessageRequest(id=message.id)
    with pytest.raises(Forbidden, match="NOT_AUTHOR"):
        await world.ask(world.messages.UndeleteMessage, request, anna)
    back = (await world.ask(world.messages.UndeleteMessage, request, bela)).message
    assert (back.text, back.attachments, back.version) == ("words", message.attachments, 3)
    assert not back.HasField("deleted_at")
    assert not back.HasField("undelete_until")
    assert back.sender.username == "bela"


async def test_a_message_ends_by_itself(world: World, anna: str, bela: str) -> None:
    """Everybody is told. Nobody did it."""
    group = await world.create(anna, bela)
    async with world.subscribe(bela) as feed:
        await feed.ready()
        message = await world.send(anna, group.id, "soon gone", expires_in_s=1)
        assert message.expires_at.ToMicroseconds() - message.created_at.ToMicroseconds() == 1_000_000
        new, gone = await feed.changes(2)
    assert (new.data.message, gone.type, gone.actor_id) == (message, "message-deleted", "")
    assert (gone.data.message.text, gone.data.message.deleted_by) == ("", "")


async def test_a_forward_shows_whose_words_it_passes_on(world: World, anna: str, bela: str, cleo: str) -> None:
    """To those who never saw the message itself."""
    group, other = await world.create(anna, bela), await world.create(bela, cleo)
    source = await world.send(anna, group.id, "*words*", format=MESSAGE_FORMAT_MARKDOWN)
    request = pb.ForwardMessageRequest(id=source.id, conversation_id=other.id, comment="see", client_msg_id="k")
    response = await world.ask(world.messages.ForwardMessage, request, bela)
    again = await world.ask(world.messages.ForwardMessage, request, bela)
    assert (response.replayed, again.replayed, again.message) == (False, True, response.message)
    await delete(world, anna, source.id)
    shown = await get(world, cleo, response.message.id)
    assert (shown.text, shown.sender.username, shown.forwarded.sender.username) == ("see", "bela", "anna")
    assert (shown.forwarded.text, shown.forwarded.html) == ("*words*", source.html)
    assert (shown.forwarded.message_id, shown.forwarded.created_at) == (source.id, source.created_at)
    request = pb.ForwardMessageRequest(id=source.id, conversation_id=other.id)
    with pytest.raises(NotFound, match="MESSAGE_NOT_FOUND"):
        await world.ask(world.messages.ForwardMessage, request, cleo)


async def test_others_are_told_whose_words_a_forward_passes_on(world: World, anna: str, bela: str, cleo: str) -> None:
    """Live, with the profile."""
    group, other = await world.create(anna, bela), await world.create(bela, cleo)
    source = await world.send(anna, group.id, "words")
    async with world.subscribe(cleo) as feed:
        await feed.ready()
        request = pb.ForwardMessageRequest(id=source.id, conversation_id=other.id)
        await world.ask(world.messages.ForwardMessage, request, bela)
        told = (await feed.change()).data.message
    assert (told.text, told.forwarded.text, told.forwarded.sender.username) == ("", "words", "anna")


async def test_many_messages_by_their_ids(world: World, anna: str, bela: str) -> None:
    """In the order asked for; those of others are missing."""
    group, other = await world.create(anna, bela), await world.create(bela)
    one, two = await world.send(anna, group.id), await world.send(bela, group.id)
    hidden = await world.send(bela, other.id)
    nothing = new_id()
    request = pb.BatchGetMessagesRequest(ids=[two.id, hidden.id, one.id, nothing])
    response = await world.ask(world.messages.BatchGetMessages, request, anna)
    assert (list(response.items), list(response.missing)) == ([two, one], [hidden.id, nothing])


async def test_messages_that_are_too_many_for_an_answer_are_asked_for_again(world: World, anna: str) -> None:
    """What is left out is not missing."""
    group = await world.create(anna)
    items = [pb.SendMessageRequest(conversation_id=group.id, text="\U0001f600" * 10_000) for _ in range(50)]
    sent = [
        item.sent.message.id
        for _ in range(2)
        for item in (
            await world.ask(world.messages.BatchSendMessages, pb.BatchSendMessagesRequest(items=items), anna)
        ).items
    ]
    response = await world.ask(world.messages.BatchGetMessages, pb.BatchGetMessagesRequest(ids=sent), anna)
    assert 1 < len(response.items) < 100
    assert ([message.id for message in response.items], list(response.missing)) == (sent[: len(response.items)], [])


async def test_a_batch_is_written_at_once_and_refused_one_by_one(world: World, anna: str, bela: str) -> None:
    """In the order given, and in one commit, whose time they have; a repeat says so."""
    group, other = await world.create(anna, bela), await world.create(bela)
    items = [
        pb.SendMessageRequest(conversation_id=group.id, text="1", client_msg_id="k"),
        pb.SendMessageRequest(conversation_id=other.id, text="not there"),
        pb.SendMessageRequest(conversation_id=group.id, text="2"),
        pb.SendMessageRequest(conversation_id=group.id, text="1", client_msg_id="k"),
    ]
    request = pb.BatchSendMessagesRequest(items=items)
    results = (await world.ask(world.messages.BatchSendMessages, request, anna)).items
    assert [result.WhichOneof("result") for result in results] == ["sent", "problem", "sent", "sent"]
    assert [result.sent.message.seq for result in results] == [1, 0, 2, 1]
    assert results[0].sent.message.created_at == results[2].sent.message.created_at
    assert [result.sent.replayed for result in results] == [False, False, False, True]
    assert (results[1].problem.code, results[1].problem.retryable) == ("CONVERSATION_NOT_FOUND", False)


async def test_a_batch_says_when_to_try_again(world: World, anna: str, bela: str) -> None:
    """Of each message, as an answer of its own would."""
    group = await world.create(anna, bela)
    slow = conversations_pb.UpdateConversationRequest(id=group.id, slow_mode_s=60)
    await world.ask(world.conversations.UpdateConversation, slow, anna)
    items = [pb.SendMessageRequest(conversation_id=group.id, text=text) for text in "12"]
    results = (await world.ask(world.messages.BatchSendMessages, pb.BatchSendMessagesRequest(items=items), bela)).items
    assert (results[0].sent.message.seq, results[1].problem.code) == (1, "SLOW_MODE")
    assert (results[1].problem.retryable, results[1].problem.retry_after_s) == (True, 60)


async def test_what_is_deleted_is_not_changed(world: World, anna: str) -> None:
    """Edits and versions of a tombstone are refused."""
    group = await world.create(anna)
    message = await world.send(anna, group.id)
    await delete(world, anna, message.id)
    with pytest.raises(WrongState, match="MESSAGE_DELETED"):
        await edit(world, anna, message.id, "x")
    with pytest.raises(WrongState, match="MESSAGE_DELETED"):
        await world.ask(world.messages.RestoreVersion, pb.RestoreVersionRequest(id=message.id, version=1), anna)


async def test_a_fault_of_ours_is_a_problem_of_one_message(
    world: World, anna: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others have their answers all the same. Nothing is told of what it was."""
    group, submit = await world.create(anna), Writer.submit

    def poisoned(self: Writer, command: Any) -> "asyncio.Future[Any]":
        if command.text == "poison":
            raise RuntimeError("a secret")
        return submit(self, command)

    monkeypatch.setattr(Writer, "submit", poisoned)
    items = [pb.SendMessageRequest(conversation_id=group.id, text=text) for text in ("1", "poison", "2")]
    request = pb.BatchSendMessagesRequest(items=items)
    results = (await world.ask(world.messages.BatchSendMessages, request, anna)).items
    assert [result.sent.message.seq for result in results] == [1, 0, 2]
    assert results[1].problem.code == "INTERNAL"
    assert "secret" not in results[1].problem.detail

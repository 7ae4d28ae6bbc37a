"""Writing and reading messages, as clients of MessageService see it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import message_service_pb2 as pb
from chat.message.v1.conversation_pb2 import MEMBER_ROLE_GUEST
from mesh.errors import Conflict, Error, Invalid, NotFound, Stale
from mesh.page import MAX_BYTES
from tests.integration.message.world import World


async def page(world: World, user_id: str, conversation_id: str, **place: Any) -> pb.ListMessagesResponse:
    request = pb.ListMessagesRequest(conversation_id=conversation_id, **place)
    return await world.ask(world.messages.ListMessages, request, user_id)


def seqs(response: pb.ListMessagesResponse) -> list[int]:
    return [message.seq for message in response.items]


async def test_a_message_is_numbered_and_shows_its_sender(world: World, anna: str, bela: str) -> None:
    """The answer holds the stored message with its number and the sender's profile."""
    group = await world.create(anna, bela)
    message = await world.send(bela, group.id, "hello", client_msg_id="a-1", metadata={"k": "v"})
    assert (message.seq, message.text, message.version) == (1, "hello", 1)
    assert (message.sender.id, message.sender.username) == (bela, "bela")
    assert (message.client_msg_id, dict(message.metadata)) == ("a-1", {"k": "v"})
    request = pb.GetMessageRequest(id=message.id)
    assert (await world.ask(world.messages.GetMessage, request, anna)).message == message


async def test_a_missing_client_id_is_filled_in(world: World, anna: str) -> None:
    """So that every message can be told apart by it."""
    group = await world.create(anna)
    one, other = await world.send(anna, group.id), await world.send(anna, group.id)
    assert UUID(one.client_msg_id).version == UUID(one.id).version == 7
    assert one.client_msg_id != other.client_msg_id


async def test_fifty_sends_with_one_client_id_are_one_message(world: World, anna: str) -> None:
    """One is new, the others say that they are repeats; another text is a conflict."""
    group = await world.create(anna)
    request = pb.SendMessageRequest(conversation_id=group.id, client_msg_id="k", text="once")
    responses = await asyncio.gather(*[world.ask(world.messages.SendMessage, request, anna) for _ in range(50)])
    assert len({response.message.id for response in responses}) == 1
    assert [response.replayed for response in responses].count(False) == 1
    with pytest.raises(Conflict, match="CLIENT_MSG_ID_CONFLICT"):
        await world.send(anna, group.id, "other", client_msg_id="k")
    assert seqs(await page(world, anna, group.id)) == [1]


async def test_edit_and_delete(world: World, anna: str, bela: str) -> None:
    """The version rises, the tombstone keeps its number, and an admin's deletion shows the author."""
    group = await world.create(anna, bela)
    message = await world.send(bela, group.id, "old")
    edit = pb.EditMessageRequest(id=message.id, text="new")
    edited = (await world.ask(world.messages.EditMessage, edit, bela)).message
    assert (edited.text, edited.version, edited.seq, edited.HasField("edited_at")) == ("new", 2, 1, True)
    delete = pb.DeleteMessageRequest(id=message.id)
    tombstone = (await world.ask(world.messages.DeleteMessage, delete, anna)).message
    assert (tombstone.text, tombstone.seq, tombstone.deleted_by, tombstone.sender.username) == ("", 1, anna, "bela")
    assert (await world.ask(world.messages.DeleteMessage, delete, bela)).message == tombstone
    assert (await page(world, bela, group.id)).items[0] == tombstone


async def test_a_text_is_changed_by_who_has_read_the_present_one(world: World, anna: str) -> None:
    """Edits and deletions with an older etag are refused; a repeat of what was done is not."""
    group = await world.create(anna)
    message = await world.send(anna, group.id, "old")
    edit = pb.EditMessageRequest(id=message.id, text="new", etag=message.etag)
    edited = (await world.ask(world.messages.EditMessage, edit, anna)).message
    assert edited.etag != message.etag
    assert (await world.ask(world.messages.EditMessage, edit, anna)).message == edited
    edit.text = "newer"
    with pytest.raises(Stale, match="ETAG_MISMATCH"):
        await world.ask(world.messages.EditMessage, edit, anna)
    delete = pb.DeleteMessageRequest(id=message.id, etag=message.etag)
    with pytest.raises(Stale, match="ETAG_MISMATCH"):
        await world.ask(world.messages.DeleteMessage, delete, anna)
    delete.etag = edited.etag
    tombstone = (await world.ask(world.messages.DeleteMessage, delete, anna)).message
    assert (await world.ask(world.messages.DeleteMessage, delete, anna)).message == tombstone


async def test_strangers_see_nothing(world: World, anna: str, bela: str) -> None:
    """Conversation and message do not exist for them, whatever they try."""
    group = await world.create(anna)
    message = await world.send(anna, group.id)
    for method, request, reason in (
        (world.messages.GetMessage, pb.GetMessageRequest(id=message.id), "MESSAGE_NOT_FOUND"),
        (world.messages.EditMessage, pb.EditMessageRequest(id=message.id, text="x"), "MESSAGE_NOT_FOUND"),
        (world.messages.DeleteMessage, pb.DeleteMessageRequest(id=message.id), "MESSAGE_NOT_FOUND"),
        (
            world.messages.SendMessage,
            pb.SendMessageRequest(conversation_id=group.id, text="x"),
            "CONVERSATION_NOT_FOUND",
        ),
        (world.messages.ListMessages, pb.ListMessagesRequest(conversation_id=group.id), "CONVERSATION_NOT_FOUND"),
    ):
        with pytest.raises(NotFound) as caught:
            await world.ask(method, request, bela)
        assert caught.value.reason == reason


async def test_pages_lead_through_history_both_ways(world: World, anna: str) -> None:
    """From the latest back to the first and forward again, by cursors."""
    group = await world.create(anna)
    for _ in range(7):
        await world.send(anna, group.id)
    latest = await page(world, anna, group.id, limit=3)
    assert (seqs(latest), latest.page.has_more, latest.page.next_cursor, latest.page.limit) == ([5, 6, 7], False, "", 3)
    middle = await page(world, anna, group.id, limit=3, cursor=latest.page.prev_cursor)
    assert (seqs(middle), middle.page.has_more) == ([2, 3, 4], True)
    first = await page(world, anna, group.id, limit=3, cursor=middle.page.prev_cursor)
    assert (seqs(first), first.page.prev_cursor) == ([1], "")
    forward = await page(world, anna, group.id, limit=3, cursor=first.page.next_cursor)
    assert seqs(forward) == [2, 3, 4]
    assert seqs(await page(world, anna, group.id, limit=3, cursor=forward.page.next_cursor)) == [5, 6, 7]


async def test_pages_next_to_a_number(world: World, anna: str) -> None:
    """The nearest before or after it."""
    group = await world.create(anna)
    for _ in range(5):
        await world.send(anna, group.id)
    assert seqs(await page(world, anna, group.id, before_seq=4, limit=2)) == [2, 3]
    assert seqs(await page(world, anna, group.id, after_seq=0, limit=2)) == [1, 2]
    assert seqs(await page(world, anna, group.id, after_seq=3)) == [4, 5]
    empty = await page(world, anna, group.id, after_seq=5)
    assert (seqs(empty), empty.page.has_more, empty.page.limit) == ([], False, 50)


async def test_cursors_are_bound_to_their_list(world: World, anna: str) -> None:
    """Neither another conversation's nor a changed one is taken."""
    one, other = await world.create(anna), await world.create(anna)
    for _ in range(2):
        await world.send(anna, one.id)
    cursor = (await page(world, anna, one.id, limit=1)).page.prev_cursor
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await page(world, anna, other.id, cursor=cursor)
    with pytest.raises(Invalid, match="CURSOR_INVALID"):
        await page(world, anna, one.id, cursor=cursor[:-2])


async def test_a_page_of_large_messages_ends_early(world: World, anna: str) -> None:
    """It stays below what one gRPC message may hold, and its cursors lead to the rest."""
    group = await world.create(anna)
    text = "\U0001f600" * 10_000
    count = MAX_BYTES // len(text.encode()) + 5
    await asyncio.gather(*[world.send(anna, group.id, text) for _ in range(count)])
    latest = await page(world, anna, group.id, limit=100)
    assert 0 < len(latest.items) < count
    assert seqs(latest)[-1] == count
    rest = await page(world, anna, group.id, limit=100, cursor=latest.page.prev_cursor)
    assert seqs(rest) + seqs(latest) == list(range(1, count + 1))


async def test_messages_are_served_while_the_user_service_is_away(world: World, anna: str, bela: str) -> None:
    """With what is known of their senders."""
    group = await world.create(anna, bela)
    await world.send(anna, group.id)
    world.users.away = True
    stranger = str(uuid7())
    assert (await world.send(bela, group.id, "still here")).sender.username == "bela"
    listed = await page(world, anna, group.id)
    assert [message.sender.username for message in listed.items] == ["anna", "bela"]
    with pytest.raises(Error, match="UNAVAILABLE"):
        await world.create(anna, stranger)


async def test_guests_read_only(world: World, anna: str, bela: str) -> None:
    """They list, but do not send."""
    group = await world.create(anna)
    request = conversations_pb.AddMembersRequest(conversation_id=group.id, user_ids=[bela], role=MEMBER_ROLE_GUEST)
    await world.ask(world.conversations.AddMembers, request, anna)
    assert seqs(await page(world, bela, group.id)) == []
    with pytest.raises(Error, match="ROLE_TOO_LOW"):
        await world.send(bela, group.id)

"""SearchService, as its clients see it."""

import asyncio
from typing import Any

import pytest

from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1 import search_service_pb2 as pb
from mesh.errors import Invalid
from tests.integration.message.world import World


async def find(world: World, user_id: str, q: str, **filters: Any) -> pb.SearchMessagesResponse:
    """What is found once everything that was written can be."""
    async with asyncio.timeout(10):
        while True:
            request = pb.SearchMessagesRequest(q=q, **filters)
            found = await world.ask(world.search.SearchMessages, request, user_id)
            if not found.indexing:
                return found
            await asyncio.sleep(0.01)


async def test_what_was_written_is_found(world: World, anna: str, bela: str, cleo: str) -> None:
    """As it is now, with the words that were looked for; by members, and by nobody else."""
    group = await world.create(anna, bela)
    message = await world.send(anna, group.id, "The <b>quick</b> brown fox")
    await world.ask(
        world.messages.EditMessage, messages_pb.EditMessageRequest(id=message.id, text="The quicker fox"), anna
    )
    found = await find(world, bela, "quick")
    assert [(one.message.text, one.message.sender.username) for one in found.items] == [("The quicker fox", "anna")]
    assert [(piece.text, piece.hit) for piece in found.items[0].snippet] == [
        ("The ", False),
        ("quicker", True),
        (" fox", False),
    ]
    assert list((await find(world, cleo, "quick")).items) == []
    await world.ask(world.messages.DeleteMessage, messages_pb.DeleteMessageRequest(id=message.id), anna)
    assert list((await find(world, bela, "quick")).items) == []


async def test_finds_come_by_pages(world: World, anna: str) -> None:
    """With cursors that belong to one question."""
    group = await world.create(anna)
    for number in range(5):
        await world.send(anna, group.id, f"word {number}")
    first = await find(world, anna, "word", limit=2)
    second = await find(world, anna, "word", limit=2, cursor=first.page.next_cursor)
    third = await find(world, anna, "word", limit=2, cursor=second.page.next_cursor)
    texts = [one.message.text for page in (first, second, third) for one in page.items]
    assert texts == [f"word {number}" for number in (4, 3, 2, 1, 0)]
    assert [page.page.has_more for page in (first, second, third)] == [True, True, False]
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await find(world, anna, "other", cursor=first.page.next_cursor)


async def test_a_question_without_a_word_is_refused(world: World, anna: str) -> None:
    """By name."""
    with pytest.raises(Invalid, match="QUERY_EMPTY"):
        await world.ask(world.search.SearchMessages, pb.SearchMessagesRequest(q="…"), anna)

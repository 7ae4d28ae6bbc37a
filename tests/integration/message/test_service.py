"""The wired service: its events, its secrets, and what is left after a restart."""

import asyncio
from pathlib import Path

from chat.event.v1.message_events_pb2 import MessagePersisted
from chat.message.v1 import conversation_service_pb2 as conversations_pb
from mesh.events.bus import Event
from tests.integration.message.world import World, open_world


async def test_what_is_committed_reaches_the_bus(world: World, anna: str) -> None:
    """In order, soon after the commit, with the correlation id of the call."""
    events: asyncio.Queue[Event] = asyncio.Queue()
    async with world.mesh.bus.consume("test", ["chat.message.events"], events.put):
        group = await world.create(anna)
        message = await world.send(anna, group.id, "hello")
        async with asyncio.timeout(5):
            received = [await events.get() for _ in range(2)]
    assert [event.headers["ce_type"] for event in received] == ["conversation.created", "message.persisted"]
    assert [event.headers["ce_id"] for event in received] == [f"{group.id}:1", f"{group.id}:2"]
    assert {event.key for event in received} == {group.id}
    assert received[1].headers["correlationid"] == f"call-of-{anna}"
    assert MessagePersisted.FromString(received[1].value).message == message


async def test_what_is_committed_is_counted(world: World, anna: str) -> None:
    """Messages without their repeats, and the transactions they took."""
    group = await world.create(anna)
    for _ in range(2):
        await world.send(anna, group.id, "once", client_msg_id="k")
    await world.send(anna, group.id, "other")
    assert world.counted("chat_messages_committed_total") == 2
    assert (world.counted("chat_commit_seconds_count") or 0) >= 4
    assert world.counted("chat_commit_seconds_count") == world.counted("chat_commit_batch_size_count")


async def test_a_restart_loses_nothing(tmp_path: Path, database_url: str) -> None:
    """Messages, places and cursors are good for the next process too."""
    async with open_world(tmp_path, database_url) as world:
        anna = world.users.add("anna")
        ids = [(await world.create(anna)).id for _ in range(3)]
        await world.send(anna, ids[0], "kept", client_msg_id="k")
        request = conversations_pb.ListConversationsRequest(limit=1)
        cursor = (await world.ask(world.conversations.ListConversations, request, anna)).page.next_cursor
    async with open_world(tmp_path, database_url) as world:
        request = conversations_pb.ListConversationsRequest(cursor=cursor)
        page = await world.ask(world.conversations.ListConversations, request, anna)
        assert [conversation.id for conversation in page.items] == ids[1::-1]
        assert page.items[1].last_message.text == "kept"
        again = await world.send(anna, ids[0], "kept", client_msg_id="k")
        assert again.id == page.items[1].last_message.id
        assert [change.pos for change in (await world.sync(anna, 3, {ids[0]: 1})).events] == [2]

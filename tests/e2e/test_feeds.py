"""What happens reaches everybody who is to know, live or later, on each surface, once and in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from chat.message.v1 import feed_service_pb2 as feed_pb
from tests.e2e.clients import WITHIN_S, Clients, User, send_grpc, send_rest, send_socket
from tests.e2e.protos import as_proto


@asynccontextmanager
async def ndjson(clients: Clients, user: User, place: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Any]]:
    """The feed over plain HTTP, a JSON object a line."""
    async with clients.rest.stream("POST", "/api/messages/feed", json=place, headers=user.headers) as answer:
        assert answer.status_code == 200
        yield (json.loads(line) async for line in answer.aiter_lines())


async def next_change(items: AsyncIterator[Any], kind: str) -> Any:
    """The next change of a kind in a NDJSON feed."""
    async with asyncio.timeout(WITHIN_S):
        async for item in items:
            if item.get("change", {}).get("type") == kind:
                return item["change"]
    raise AssertionError("the feed ended")


async def next_proto(items: AsyncIterator[Any], kind: str) -> Any:
    """The same in a gRPC stream."""
    async with asyncio.timeout(WITHIN_S):
        async for item in items:
            if item.change.type == kind:
                return item.change
    raise AssertionError("the stream ended")


async def test_each_feed_tells_the_same(clients: Clients) -> None:
    """What one does, the other sees live in a plain HTTP stream, in a gRPC stream and on a socket: the same events."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    writer, reader = await clients.connect(alice), await clients.connect(bob)
    subscription = clients.feed.Subscribe(feed_pb.SubscribeRequest(), metadata=bob.metadata)
    protos = aiter(subscription)
    async with ndjson(clients, bob, {}) as lines:
        assert (await anext(lines))["ready"]["positions"] == {group: 1}
        assert (await anext(protos)).ready.positions == {group: 1}

        async def seen(kind: str) -> Any:
            event = await reader.until(kind)
            assert event == await next_change(lines, kind)
            assert as_proto(feed_pb.SubscribeResponse, {"change": event}).change == await next_proto(protos, kind)
            return event

        sent = (await writer.ask("send-message", {"conversation_id": group, "text": "before"}))["data"]
        assert (await seen("message-new"))["data"]["message"] == sent
        edited = (await writer.ask("edit-message", {"id": sent["id"], "text": "after"}))["data"]
        assert (await seen("message-updated"))["data"]["message"] == edited
        assert (edited["version"], edited["text"]) == (2, "after")
        deleted = (await writer.ask("delete-message", {"id": sent["id"]}))["data"]
        assert (await seen("message-deleted"))["data"]["message"] == deleted
        assert (deleted["version"], deleted["text"], deleted["deleted_by"]) == (3, "", alice.id)
        await writer.ask("mark-read", {"conversation_id": group, "seq": 1})
        assert (await seen("receipt-read"))["data"]["receipt"] == {
            "user_id": alice.id,
            "last_read_seq": 1,
            "last_delivered_seq": 1,
        }
    subscription.cancel()


async def test_typing_reaches_the_others_only(clients: Clients) -> None:
    """Who types is told to the other members, on no other device of the one who types, and to no outsider."""
    alice, bob, eve = [await clients.register(name) for name in ("alice", "bob", "eve")]
    group = await clients.group(alice, bob)
    typist, same, other, outside = [await clients.connect(user) for user in (alice, alice, bob, eve)]
    await typist.ask("typing", {"conversation_id": group})
    told = await other.until("typing")
    assert (told["actor_id"], told["conversation_id"], told["event_id"]) == (alice.id, group, "")
    assert told["data"]["typing"]["expires_at"] > told["ts"]
    await typist.ask("stop-typing", {"conversation_id": group})
    stopped = (await other.until("stop-typing"))["data"]["typing"]
    assert stopped == {"user_id": alice.id, "expires_at": None, "thread_root": ""}
    assert (await outside.ask("typing", {"conversation_id": group}))["problem"]["code"] == "CONVERSATION_NOT_FOUND"
    await typist.ask("send-message", {"conversation_id": group, "text": "done"})
    for socket in (typist, same):  # What comes after proves what did not come before.
        await socket.until("message-new")
        assert not socket.named("typing")
        assert not socket.named("stop-typing")
    assert [name for name, _ in outside.events] == ["hello"]


async def test_a_read_mark_is_told_to_own_devices(clients: Clients) -> None:
    """Reading on one device updates the count on the other one, in the reader's own log, and nobody else's."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    await send_rest(clients, alice, conversation_id=group, text="one")
    await send_rest(clients, alice, conversation_id=group, text="two")
    phone, desk, other = [await clients.connect(user) for user in (bob, bob, alice)]
    answer = await phone.ask("mark-read", {"conversation_id": group, "seq": 1})
    assert answer["data"] == {"conversation_id": group, "last_read_seq": 1, "unread_count": 1, "mention_count": 0}
    told = await desk.until("unread-updated")
    assert told["data"]["unread"] == {"last_read_seq": 1, "unread_count": 1, "mention_count": 0}
    assert told["event_id"] == f"{bob.id}:{told['user_pos']}"
    await other.until("receipt-read")
    assert not other.named("unread-updated")


async def test_resume_replays_exactly_what_was_missed(clients: Clients) -> None:
    """After a dropped connection a client gets what it missed, in order and once, then what happens."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    quiet = await clients.group(alice, bob, name="quiet")
    reader, writer = await clients.connect(bob), await clients.connect(alice)
    seen, _ = await send_socket(writer, conversation_id=group, text="seen")
    place = {group: (await reader.until("message-new"))["pos"], quiet: 1}
    user_pos = (await reader.until("hello"))["user_pos"]
    await reader.client.disconnect()

    for number in range(5):
        await send_socket(writer, conversation_id=group, text=f"missed {number}")
    await writer.ask("edit-message", {"id": seen, "text": "changed meanwhile"})
    joined = await clients.group(alice, bob, name="joined meanwhile")
    await send_socket(writer, conversation_id=joined, text="in a conversation that is new")

    back = await clients.connect(bob, resume={"user_pos": user_pos, "positions": place})
    outcome = await back.until("resumed", "resync-required", "resume-failed")
    await send_socket(writer, conversation_id=group, text="live")
    await back.until("message-new", where=lambda event: event["data"]["message"]["text"] == "live")

    durable = [data for name, data in back.events if isinstance(data, dict) and data.get("event_id")]
    in_group = [event for event in durable if event["conversation_id"] == group]
    assert [event["pos"] for event in in_group] == list(range(place[group] + 1, place[group] + 8))
    assert [e["type"] for e in in_group] == [*["message-new"] * 5, "message-updated", "message-new"]
    assert {e["type"] for e in durable if e["conversation_id"] == joined} == {
        "conversation-created", "conversation-added", "message-new",
    }  # fmt: skip
    assert not [event for event in durable if event["conversation_id"] == quiet]
    assert len({event["event_id"] for event in durable}) == len(durable)
    assert outcome["replayed"] == len(durable) - 1


async def test_too_much_missed_is_said_and_synced(clients: Clients) -> None:
    """Who missed more than is replayed is told so, gets what happens from then on, and closes the gap by pages."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    for _ in range(5):
        await asyncio.gather(*[send_grpc(clients, alice, conversation_id=group, text="more") for _ in range(201)])
    back = await clients.connect(bob, resume={"user_pos": 1, "positions": {group: 1}})
    outcome = await back.until("resumed", "resync-required", "resume-failed")
    assert outcome == {"reason": "TOO_MUCH_MISSED", "sync_url": "/api/messages/sync"}

    place: dict[str, Any] = {"user_pos": 1, "positions": {group: 1}}
    events: list[dict[str, Any]] = []
    more = True
    while more:
        page = (await back.ask("sync", place))["data"]
        events, more = events + page["events"], page["has_more"]
        place = {"user_pos": page["user_pos"], "positions": page["positions"]}
    assert [event["pos"] for event in events] == list(range(2, 1007))
    assert [event["seq"] for event in events] == list(range(1, 1006))
    await send_grpc(clients, alice, conversation_id=group, text="live")
    assert (await back.until("message-new", where=lambda event: event["seq"] > 1005))["pos"] == 1007


async def test_large_changes_are_fetched_in_small_pages(clients: Clients) -> None:
    """A replay and a page are bounded in bytes too: what is written to a socket leaves room for what happens."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    texts = [f"{number:03}{'🦜' * 9_997}" for number in range(30)]
    for text in texts:
        await send_grpc(clients, alice, conversation_id=group, text=text)
    place: dict[str, Any] = {"user_pos": 1, "positions": {group: 1}}
    back = await clients.connect(bob, resume=place)
    outcome = await back.until("resumed", "resync-required", "resume-failed")
    assert outcome == {"reason": "TOO_MUCH_MISSED", "sync_url": "/api/messages/sync"}
    found: list[str] = []
    more = True
    while more:
        page = (await back.ask("sync", place))["data"]
        assert 0 < len(page["events"]) <= 6
        found += [event["data"]["message"]["text"] for event in page["events"]]
        place, more = {"user_pos": page["user_pos"], "positions": page["positions"]}, page["has_more"]
    assert found == texts


async def test_a_place_ahead_of_the_log_is_refused(clients: Clients) -> None:
    """A client that claims to have seen what never happened is told to start over."""
    alice = await clients.register("alice")
    group = await clients.group(alice)
    socket = await clients.connect(alice, resume={"user_pos": 0, "positions": {group: 99}})
    outcome = await socket.until("resumed", "resync-required", "resume-failed")
    assert outcome == {"reason": "POSITION_AHEAD", "sync_url": "/api/messages/sync"}


async def test_long_polling_takes_what_was_waiting(clients: Clients) -> None:
    """A client may put all that waits into one request of long-polling: each event is acknowledged."""
    alice = await clients.register("alice")
    group = await clients.group(alice)
    place = "/ws/?EIO=4&transport=polling"
    place += "&sid=" + json.loads((await clients.rest.get(place)).text[1:])["sid"]
    sends = [f'42{n}["send-message",{{"conversation_id":"{group}","text":"{n}"}}]' for n in range(100)]
    await clients.rest.post(place, content=f'40{{"token":"{alice.token}"}}')
    greeting = ""
    while '42["hello"' not in greeting:
        greeting += (await clients.rest.get(place)).text
    assert (await clients.rest.post(place, content="\x1e".join(sends))).text == "OK"
    acked: list[str] = []
    async with asyncio.timeout(WITHIN_S):
        while len(acked) < 100:
            frames = (await clients.rest.get(place)).text.split("\x1e")
            acked += [frame for frame in frames if frame.startswith("43") and '"ok":true' in frame]
    waiting, _ = await asyncio.gather(clients.rest.get(place), clients.rest.post(place, content="1"))
    assert waiting.text == ""  # Leaving ends the request that waits for events.

"""REST, gRPC and Socket.IO are three doors to one house: the same ids, the same answers, the same events."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import grpc
import pytest

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import feed_service_pb2 as feed_pb
from chat.message.v1 import message_pb2
from chat.message.v1 import message_service_pb2 as messages_pb
from mesh.call.status import from_rpc_error
from tests.e2e.clients import Clients, Sent, Socket, User, send_grpc, send_rest, send_socket
from tests.e2e.protos import as_proto


async def history(clients: Clients, user: User, conversation_id: str) -> list[dict[str, Any]]:
    """All messages of a conversation, read by pages."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        place = {"cursor": cursor} if cursor else {"after_seq": "0"}
        query = {"conversation_id": conversation_id, **place}
        answer = await clients.rest.get("/api/messages", params=query, headers=user.headers)
        page = answer.raise_for_status().json()
        items += page["items"]
        cursor = page["page"]["next_cursor"]
        if not cursor:
            return items


async def test_one_client_id_makes_one_message(clients: Clients) -> None:
    """Fifty calls at once over three surfaces with one client_msg_id: one message, fifty identical ids."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    socket = await clients.connect(alice)
    message = {"conversation_id": group, "client_msg_id": "the-one", "text": "Only once, please. 一次就好"}
    doors: list[Callable[[], Awaitable[Sent]]] = [
        lambda: send_rest(clients, alice, **message),
        lambda: send_grpc(clients, alice, **message),
        lambda: send_socket(socket, **message),
    ]
    answers = await asyncio.gather(*[doors[number % 3]() for number in range(50)])
    assert len({id_ for id_, _ in answers}) == 1
    assert Counter(replayed for _, replayed in answers) == {False: 1, True: 49}
    assert [(m["seq"], m["id"]) for m in await history(clients, bob, group)] == [(1, answers[0][0])]


async def test_repeats_leave_no_gap(clients: Clients) -> None:
    """New messages and repeats that are committed together are numbered 1 to N, each once."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    socket = await clients.connect(alice)
    first = [{"conversation_id": group, "client_msg_id": f"k{n}", "text": f"text {n}"} for n in range(20)]
    stored = dict(zip((m["client_msg_id"] for m in first), await _all(socket, first), strict=True))
    mixed = first + [{**m, "client_msg_id": f"n{n}", "text": f"new {n}"} for n, m in enumerate(first)] * 2
    sends = [(send_grpc(clients, alice, **m), send_socket(socket, **m), send_rest(clients, alice, **m)) for m in mixed]
    answers = await asyncio.gather(*[call for three in sends for call in three])
    ids = {m["client_msg_id"]: {id_ for id_, _ in answers[3 * n : 3 * n + 3]} for n, m in enumerate(mixed)}
    assert all(len(found) == 1 for found in ids.values())
    assert {key: ids[key] for key in stored} == {key: {id_} for key, (id_, _) in stored.items()}
    assert Counter(replayed for _, replayed in answers) == {False: 20, True: 160}
    messages = await history(clients, bob, group)
    assert [m["seq"] for m in messages] == list(range(1, 41))
    assert {m["client_msg_id"]: {m["id"]} for m in messages} == ids


async def _all(socket: Socket, messages: list[dict[str, Any]]) -> list[Sent]:
    return await asyncio.gather(*[send_socket(socket, **message) for message in messages])


async def test_another_text_is_a_conflict(clients: Clients) -> None:
    """A client_msg_id that was used for another text is refused alike on each surface."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    message = {"conversation_id": await clients.group(alice, bob), "client_msg_id": "k", "text": "first"}
    await send_rest(clients, alice, **message)
    problems = await refusals(clients, alice, "send-message", "/api/messages", {**message, "text": "second"})
    assert {problem["code"] for problem in problems} == {"CLIENT_MSG_ID_CONFLICT"}
    assert [problem["status"] for problem in problems] == [409, 409]
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await send_grpc(clients, alice, **{**message, "text": "second"})
    assert raised.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert from_rpc_error(raised.value).reason == "CLIENT_MSG_ID_CONFLICT"
    assert await send_grpc(clients, bob, **{**message, "text": "second"}) != await send_grpc(clients, alice, **message)


async def refusals(
    clients: Clients, user: User, event: str, path: str, body: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What REST and a socket answer to the same request."""
    socket = await clients.connect(user)
    answer = await clients.rest.post(path, json=body, headers=user.headers)
    return answer.json(), (await socket.ask(event, body))["problem"]


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"text": "x", "client_msg_id": "no spaces, please"},
        {"text": "x", "reply_to": str(uuid4())},
        {"text": "x", "txet": "y"},
        {"text": 5},
        {"text": "x", "conversation_id": str(uuid4())},
    ],
    ids=["empty", "pattern", "reply", "unknown-field", "type", "not-a-member"],
)
async def test_a_refusal_reads_the_same(clients: Clients, fields: dict[str, Any]) -> None:
    """Apart from its ids a problem is the same object in a REST answer and in an acknowledgement."""
    alice = await clients.register("alice")
    body = {"conversation_id": await clients.group(alice), **fields}
    over_rest, over_socket = await refusals(clients, alice, "send-message", "/api/messages", body)
    for problem in (over_rest, over_socket):
        for of_the_call in ("instance", "request_id", "trace_id", "correlation_id"):
            assert problem.pop(of_the_call)
    assert over_rest == over_socket


async def test_answers_are_equal_field_by_field(clients: Clients) -> None:
    """A message, a page and a sync say the same on each surface."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    socket = await clients.connect(alice)
    metadata = {"note": "Grüße", "empty": ""}
    message: dict[str, Any] = {
        "conversation_id": group,
        "client_msg_id": "k",
        "text": "line\nline\t🦊",
        "metadata": metadata,
    }
    rest_sent = (await clients.rest.post("/api/messages", json=message, headers=alice.headers)).json()
    socket_sent = (await socket.ask("send-message", message))["data"]
    request = messages_pb.SendMessageRequest(**message)
    grpc_sent = (await clients.messages.SendMessage(request, metadata=alice.metadata)).message
    assert rest_sent == socket_sent
    assert as_proto(message_pb2.Message, rest_sent) == grpc_sent

    rest_page = await clients.rest.get("/api/messages", params={"conversation_id": group}, headers=bob.headers)
    asked = messages_pb.ListMessagesRequest(conversation_id=group)
    grpc_page = await clients.messages.ListMessages(asked, metadata=bob.metadata)
    assert as_proto(messages_pb.ListMessagesResponse, rest_page.json()) == grpc_page

    place: dict[str, Any] = {"user_pos": 0, "positions": {group: 0}}
    rest_sync = (await clients.rest.post("/api/messages/sync", json=place, headers=alice.headers)).json()
    socket_sync = (await socket.ask("sync", place))["data"]
    grpc_sync = await clients.feed.Sync(feed_pb.SyncRequest(**place), metadata=alice.metadata)
    assert [event["type"] for event in rest_sync["events"]] == ["conversation-created", "message-new"]
    assert rest_sync == socket_sync
    assert as_proto(feed_pb.SyncResponse, rest_sync) == grpc_sync

    mark: dict[str, Any] = {"conversation_id": group, "seq": 1}
    path = f"/api/messages/conversations/{group}/read"
    rest_mark = (await clients.rest.put(path, json={"seq": 1}, headers=alice.headers)).json()
    assert rest_mark == (await socket.ask("mark-read", mark))["data"]
    grpc_mark = await clients.conversations.MarkRead(conversations_pb.MarkReadRequest(**mark), metadata=alice.metadata)
    assert as_proto(conversations_pb.MarkReadResponse, rest_mark) == grpc_mark


async def test_trace_of_an_ack_leads_through_every_hop(clients: Clients) -> None:
    """The trace id of an acknowledgement names the spans of the facade and of the service below it."""
    alice = await clients.register("alice")
    message = {"conversation_id": await clients.group(alice), "text": "follow me"}
    socket = await clients.connect(alice)
    ack = await socket.ask("send-message", message)
    answer = await clients.rest.post("/api/messages", json=message, headers=alice.headers)
    method = "chat.message.v1.MessageService/SendMessage"
    for trace_id, entry in (
        (ack["trace_id"], "socket send-message"),
        (answer.headers["X-Trace-Id"], "POST /api/messages"),
    ):
        spans = (await clients.rest.get(f"/dev/traces/{trace_id}")).json()["spans"]
        by_id = {span["span_id"]: span for span in spans}
        inner = next(span for span in spans if span["name"] == method and span["kind"] == "server")
        outer = by_id[inner["parent_id"]]
        while outer["parent_id"] in by_id:
            outer = by_id[outer["parent_id"]]
        assert (outer["name"], outer["kind"]) == (entry, "server")
    event = await socket.until("message-new")
    assert event["trace_id"] == ack["trace_id"]


async def test_correlation_id_is_carried_everywhere(clients: Clients) -> None:
    """The caller's correlation id comes back on each surface and stands in the change log."""
    alice, bob = await clients.register("alice"), await clients.register("bob")
    group = await clients.group(alice, bob)
    socket, other = await clients.connect(alice), await clients.connect(bob)
    message: dict[str, Any] = {"conversation_id": group, "text": "x"}
    rest = await clients.rest.post(
        "/api/messages", json=message, headers={**alice.headers, "X-Correlation-Id": "of-rest"}
    )
    assert rest.headers["X-Correlation-Id"] == "of-rest"
    ack = await socket.ask("send-message", message, correlation_id="of-socket")
    assert ack["correlation_id"] == "of-socket"
    metadata = (*alice.metadata, ("x-correlation-id", "of-grpc"))
    await clients.messages.SendMessage(messages_pb.SendMessageRequest(**message), metadata=metadata)
    refused = await clients.rest.get("/api/messages/x", headers={**alice.headers, "X-Correlation-Id": "refused"})
    assert refused.json()["correlation_id"] == refused.headers["X-Correlation-Id"] == "refused"

    place = {"user_pos": 0, "positions": {group: 1}}
    log = (await clients.rest.post("/api/messages/sync", json=place, headers=bob.headers)).json()["events"]
    assert [event["correlation_id"] for event in log] == ["of-rest", "of-socket", "of-grpc"]
    await other.until("message-new", where=lambda event: event["seq"] == 3)
    assert [event["correlation_id"] for event in other.named("message-new")] == ["of-rest", "of-socket", "of-grpc"]


async def test_answers_leave_at_once(clients: Clients) -> None:
    """An answer goes out whole: none of its parts waits until the one before is acknowledged, which takes 40 ms."""
    took = []
    for _ in range(10):
        started = time.perf_counter()
        (await clients.rest.get("/api/users/keys")).raise_for_status()
        took.append(time.perf_counter() - started)
    assert min(took) < 0.03

"""Server streams over HTTP."""

import asyncio
from typing import Any

import httpx2
import orjson
import pytest
from starlette.types import ASGIApp, Message

from tests.integration.facade.toys import ToyServicer

SSE = {"accept": "text/event-stream"}


async def test_items_are_lines(client: httpx2.AsyncClient) -> None:
    """NDJSON is the form when nothing else is asked for, and the end of the stream ends the answer."""
    response = await client.get("/api/toys:watch?count=2")
    assert response.headers["content-type"] == "application/x-ndjson"
    assert [orjson.loads(line) for line in response.text.splitlines()] == [{"number": 0}, {"number": 1}]


async def test_items_are_events_when_asked_for(client: httpx2.AsyncClient) -> None:
    """A browser's EventSource can read the same stream."""
    response = await client.get("/api/toys:watch?count=2", headers=SSE)
    assert response.headers["content-type"] == "text/event-stream"
    assert response.text == 'data: {"number":0}\n\ndata: {"number":1}\n\n'


async def test_an_empty_stream_is_an_empty_success(client: httpx2.AsyncClient) -> None:
    """No item is no error."""
    response = await client.get("/api/toys:watch")
    assert (response.status_code, response.text) == (200, "")


async def test_an_error_before_the_first_item_is_a_plain_answer(client: httpx2.AsyncClient) -> None:
    """The status can still tell."""
    response = await client.get("/api/toys:watch?then=gone", headers=SSE)
    assert (response.status_code, response.json()["code"]) == (404, "MESSAGE_NOT_FOUND")


async def test_a_later_error_is_the_last_line(client: httpx2.AsyncClient) -> None:
    """What was sent stays valid; the problem stands under a name that no item has."""
    lines = (await client.get("/api/toys:watch?count=1&then=gone")).text.splitlines()
    assert [list(orjson.loads(line)) for line in lines] == [["number"], ["problem"]]
    assert orjson.loads(lines[-1])["problem"]["code"] == "MESSAGE_NOT_FOUND"


async def test_a_later_error_is_an_event_of_its_own(client: httpx2.AsyncClient) -> None:
    """EventSource tells it from the items by its name."""
    events = (await client.get("/api/toys:watch?count=1&then=gone", headers=SSE)).text.split("\n\n")
    name, data = events[1].splitlines()
    assert name == "event: error"
    assert orjson.loads(data.removeprefix("data: "))["code"] == "MESSAGE_NOT_FOUND"


@pytest.mark.parametrize("count", [0, 1])
async def test_the_call_is_cancelled_when_the_client_goes(app: ASGIApp, toys: ToyServicer, count: int) -> None:
    """Before the first item as well as after it."""
    client = Leaver(f"count={count}&then=wait")
    request = asyncio.ensure_future(app(client.scope, client.receive, client.send))
    await asyncio.wait_for(toys.waiting.wait(), 5)
    if count:
        await asyncio.wait_for(client.got_item.wait(), 5)
    client.leave.set()
    await asyncio.wait_for(request, 5)
    await asyncio.wait_for(toys.cancelled.wait(), 5)
    assert [message["type"] for message in client.sent] == ["http.response.start", "http.response.body"][: 2 * count]


@pytest.mark.parametrize("count", [0, 1])
async def test_a_stream_ends_when_the_server_goes(
    app: ASGIApp, toys: ToyServicer, draining: asyncio.Event, count: int
) -> None:
    """Its client is told so and can come back elsewhere; the call is cancelled."""
    client = Leaver(f"count={count}&then=wait")
    request = asyncio.ensure_future(app(client.scope, client.receive, client.send))
    await asyncio.wait_for(toys.waiting.wait(), 5)
    if count:
        await asyncio.wait_for(client.got_item.wait(), 5)
    draining.set()
    await asyncio.wait_for(request, 5)
    await asyncio.wait_for(toys.cancelled.wait(), 5)
    assert client.sent[0]["status"] == (200 if count else 503)
    said = [message["body"] for message in client.sent[1:] if message["body"]]
    assert b'"code":"DRAINING"' in said[-1]
    assert not client.sent[-1].get("more_body", False)


class Leaver:
    """A client that goes away when told to."""

    def __init__(self, query: str) -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/api/toys:watch",
            "root_path": "",
            "query_string": query.encode(),
            "headers": [],
            "state": {},
        }
        self.leave = asyncio.Event()
        self.got_item = asyncio.Event()
        self.sent: list[Message] = []
        self._asked = False

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.got_item.set()

"""A server stream as NDJSON, or as server-sent events for those who accept them."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import orjson
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from facade.problems import describe, known
from mesh.errors import Error, draining

NDJSON, SSE = "application/x-ndjson", "text/event-stream"
_END = {"type": "http.response.body", "body": b"", "more_body": False}


class Stream:
    """Answers with the items of a call while the client and the server stay, and cancels the call when one goes.

    An error before the first item is raised, to become an answer of its own. A later one ends the stream, as a line
    `{"problem": …}` or as an event `error`.
    """

    def __init__(
        self,
        request: Request,
        call: grpc.aio.UnaryStreamCall[Any, Message],
        body: Callable[[Message], Any],
        draining: asyncio.Event,
    ) -> None:
        self._request = request
        self._draining = draining
        self._started = False
        self._call = call
        self._body = body
        self._events = SSE in request.headers.get("accept", "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pump, gone = asyncio.ensure_future(self._pump(send)), asyncio.ensure_future(_disconnected(receive))
        drained = asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait((pump, gone, drained), return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                pump.result()
                return
        finally:
            self._call.cancel()
            for task in (pump, gone, drained):
                task.cancel()
            await asyncio.gather(pump, gone, drained, return_exceptions=True)
        if self._draining.is_set():
            await self._end(send, draining())

    async def _end(self, send: Send, error: Error) -> None:
        if not self._started:
            raise error
        await send(_part(self._failure(describe(error, self._request))))
        await send(_END)

    async def _pump(self, send: Send) -> None:
        items = aiter(self._call)
        item = await anext(items, None)
        await send({"type": "http.response.start", "status": 200, "headers": self._headers()})
        self._started = True
        try:
            while item is not None:
                await send(_part(self._item(item)))
                item = await anext(items, None)
        except grpc.aio.AioRpcError as error:
            await send(_part(self._failure(describe(known(error), self._request))))
        await send(_END)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"content-type", (SSE if self._events else NDJSON).encode()),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),  # a proxy that collects an answer would hold back a feed
        ]

    def _item(self, item: Message) -> bytes:
        line = orjson.dumps(self._body(item))
        return b"data: " + line + b"\n\n" if self._events else line + b"\n"

    def _failure(self, problem: dict[str, Any]) -> bytes:
        if self._events:
            return b"event: error\ndata: " + orjson.dumps(problem) + b"\n\n"
        return orjson.dumps({"problem": problem}) + b"\n"


def _part(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""A gRPC server with toys, and an app made of nothing but their routes."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx2
import jsonschema
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from facade.descriptors import comments
from facade.openapi import document
from facade.problems import exception_handlers
from facade.rest import routes
from mesh.call.inprocess import InProcessChannel, InProcessServer
from tests.integration.facade.toys import SERVICE, ToyServicer, image, toy_methods


@pytest.fixture
def toys() -> ToyServicer:
    return ToyServicer()


@pytest.fixture(params=["tcp", "in process"])
async def channel(request: pytest.FixtureRequest, toys: ToyServicer) -> AsyncIterator[grpc.aio.Channel]:
    """The ways to a service. The routes do not know which one they use."""
    if request.param == "in process":
        hosted = InProcessServer()
        hosted.add_registered_method_handlers(SERVICE, toys.handlers())
        yield InProcessChannel(hosted)
        await hosted.stop(None)
        return
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, toys.handlers()),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


@pytest.fixture
def draining() -> asyncio.Event:
    """Set when the server goes away."""
    return asyncio.Event()


@pytest.fixture
def app(channel: grpc.aio.Channel, draining: asyncio.Event) -> ASGIApp:
    """Nothing but the routes, with ids as the middleware of the facade gives them."""
    bare = FastAPI(
        routes=routes(toy_methods(), {"toy": channel}.__getitem__, draining),
        exception_handlers=exception_handlers(),
        openapi_url=None,
    )
    return WithIds(bare)


class WithIds:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "state": {"request_id": "req-1", "correlation_id": "cor-1"}}, receive, send)


@pytest.fixture(scope="session")
def openapi() -> dict[str, Any]:
    return document(toy_methods(), comments(image()), version="1.0")


@pytest.fixture
async def client(app: ASGIApp, openapi: dict[str, Any]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that holds every answer against the OpenAPI document."""

    async def conforms(response: httpx2.Response) -> None:
        await response.aread()
        check(openapi, response)

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    hooks = {"response": [conforms]}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test", event_hooks=hooks) as client:
        yield client


def check(document: dict[str, Any], response: httpx2.Response) -> None:
    """Fails unless the answer is one that the document announces."""
    if response.request.method in ("HEAD", "OPTIONS"):
        return
    path = response.request.url.path
    media_type = response.headers.get("content-type", "")
    operation: dict[str, Any] = next(
        (
            verbs.get(response.request.method.lower(), {})
            for template, verbs in sorted(
                document["paths"].items(), key=lambda item: (item[0].count("{"), -len(item[0]))
            )
            if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path)
        ),
        {},
    )
    announced = operation.get("responses", {}).get(str(response.status_code))
    if announced is None or "$ref" in announced:
        assert response.status_code >= 400
        assert media_type == "application/problem+json"
        announced = document["components"]["responses"]["Problem"]
    for name, header in announced.get("headers", {}).items():
        assert name in response.headers or not header.get("required")
    if "content" not in announced:
        assert response.content == b""
        return
    schema = announced["content"][media_type]["schema"] | {"components": document["components"]}
    if "json" in media_type and "x-nd" not in media_type:
        jsonschema.Draft202012Validator(schema).validate(response.json())

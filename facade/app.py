"""Puts the facade together: REST routes, Socket.IO, the pages, and what every request is given."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import socketio
from fastapi import FastAPI
from starlette.responses import FileResponse, JSONResponse, RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from facade.calls import Calls
from facade.descriptors import all_services, comments, image, methods
from facade.dev import DevRoutes
from facade.fanout import Fanout
from facade.openapi import document
from facade.problems import exception_handlers
from facade.relay import open_relay
from facade.request import RequestMiddleware
from facade.rest import routes
from facade.resume import Resumer
from facade.sockets import Sockets, running
from facade.translate import Decoder, Encoder
from mesh.service import Mesh

WEB = Path(__file__).resolve().parent.parent / "web"
Health = Callable[[], Mapping[str, bool]]


@dataclass(frozen=True, slots=True)
class Facade:
    """The ASGI application and what has to run beside it."""

    app: ASGIApp
    sockets: Sockets
    draining: asyncio.Event

    async def drain(self) -> None:
        """Ends all sockets and streams; their clients come back elsewhere."""
        self.draining.set()
        await self.sockets.drain()


@asynccontextmanager
async def open_facade(mesh: Mesh, health: Health, dev: DevRoutes | None = None) -> AsyncIterator[Facade]:
    """The facade over the services of `mesh`. Leaving it closes all sockets in order."""
    described = methods(all_services())
    encoder, decoder, draining = Encoder(), Decoder(), asyncio.Event()
    fanout = Fanout(encoder, mesh.metrics.deliveries)
    calls = Calls(described, mesh.channel, encoder, decoder)
    sockets = Sockets(calls, Resumer(mesh.channel("message")), fanout, mesh.metrics)
    async with AsyncExitStack() as stack:
        sockets.relay = await stack.enter_async_context(open_relay(mesh.channel("message"), fanout.apply))
        await stack.enter_async_context(running(sockets))
        rest = _rest(
            [*routes(described, mesh.channel, draining), *_health(health), *_pages(), *(dev.routes() if dev else ())]
        )
        spec = document(described, comments(image()), version=version("massive-scale-chat"))
        rest.openapi = lambda: spec  # type: ignore[method-assign]
        rest.router.routes.append(Route("/api/openapi.json", _openapi(rest)))
        app = socketio.ASGIApp(sockets.server, RequestMiddleware(rest), socketio_path="ws")
        yield Facade(app, sockets, draining)


def _rest(all_routes: Sequence[BaseRoute]) -> FastAPI:
    app = FastAPI(
        title="Massive Scale Chat",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers=exception_handlers(),
    )
    app.router.routes.extend(all_routes)
    return app


def _openapi(app: FastAPI) -> Callable[..., object]:
    async def openapi(_: object) -> JSONResponse:
        return JSONResponse(app.openapi())

    return openapi


def _health(health: Health) -> list[Route]:
    async def check(_: object) -> JSONResponse:
        serving = health()
        well = bool(serving) and all(serving.values())
        services = {name: "serving" if up else "not_serving" for name, up in serving.items()}
        body = {"status": "serving" if well else "not_serving", "services": services}
        return JSONResponse(body, 200 if well else 503)

    return [Route("/health", check)]


def _pages() -> list[BaseRoute]:
    def page(path: str) -> Callable[..., object]:
        async def serve(_: object) -> FileResponse:
            return FileResponse(WEB / path / "index.html", headers={"Cache-Control": "no-cache"})

        return serve

    async def home(_: object) -> RedirectResponse:
        return RedirectResponse("/demo")

    return [
        Route("/", home),
        Route("/demo", page("demo")),
        Route("/docs", page("docs")),
        Mount("/web", StaticFiles(directory=WEB)),
    ]

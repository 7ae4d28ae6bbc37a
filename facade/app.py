"""Puts the facade together: REST routes, Socket.IO, the pages, and what every request is given."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version

import grpc
import orjson
import socketio
from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from facade import meta
from facade.address import Addresses
from facade.auth import Tickets
from facade.calls import Calls
from facade.descriptors import Method, all_services, comments, image, methods
from facade.dev import DevRoutes
from facade.engine.packets import event_frame
from facade.fanout import Fanout
from facade.gate import Gate
from facade.holes import Holes
from facade.jwks import jwks_route
from facade.limits import Edge, LimitMiddleware
from facade.oauth import OAuthRoutes, operations
from facade.openapi import document
from facade.order import Order
from facade.origins import Origins
from facade.pages import page_routes
from facade.presence.presence import open_presence
from facade.problems import exception_handlers
from facade.relays import open_relays
from facade.request import RequestMiddleware
from facade.rest import routes
from facade.resume import Resumer
from facade.ring import Ring
from facade.safety import safety
from facade.sockets import Sockets, running
from facade.translate import Decoder, Encoder
from mesh.admin import health_route
from mesh.background import background
from mesh.errors import Unavailable
from mesh.host import UnknownService
from mesh.service import Mesh

Health = Callable[[], Mapping[str, str]]


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
    order = Order()
    fanout = Fanout(encoder, mesh.metrics.deliveries, order, Ring())
    holes = Holes(order, fanout, mesh.channel("message"))
    channel = partial(_channel, mesh)
    calls = Calls(described, channel, encoder, decoder, check=mesh.overload.check)
    edge, addresses = Edge(mesh.limits, mesh.verifier.verify), Addresses(mesh.settings.trusted_proxies)
    sockets = Sockets(
        calls,
        Resumer(mesh.channel("message")),
        fanout,
        mesh.metrics,
        edge=edge,
        address_of=addresses.of,
        tickets=Tickets(mesh.channel),
        revocations=mesh.verifier.revocations,
    )

    def within(app: ASGIApp) -> ASGIApp:
        return RequestMiddleware(LimitMiddleware(app, edge), addresses)

    async with AsyncExitStack() as stack:
        oauth = OAuthRoutes(mesh.channel, mesh.settings.public_url)
        sockets.relays = await stack.enter_async_context(open_relays(mesh.instances("message"), holes))
        await stack.enter_async_context(background(holes.run(), "holes"))
        sockets.presence = await stack.enter_async_context(open_presence(channel, encoder, event_frame))
        await stack.enter_async_context(running(sockets))
        own = [health_route(health), _document(described), meta.limits_route(mesh.limits, described), *page_routes()]
        own += [jwks_route(mesh.channel), *oauth.routes(), *(dev.routes() if dev else ())]
        rest = _rest([*routes(described, channel, draining), *own])
        doors = socketio.ASGIApp(sockets.server, within(rest), socketio_path="ws")
        origins = Origins(mesh.settings.origins, mesh.settings.public_url)
        gate = Gate(doors, origins, safety(mesh.settings.public_url), within, knock=sockets.door.check)
        yield Facade(gate, sockets, draining)


def _channel(mesh: Mesh, service: str) -> grpc.aio.Channel:
    """The way to a service. Raises Unavailable (UNAVAILABLE) when this installation has none."""
    try:
        return mesh.channel(service)
    except UnknownService:
        raise Unavailable("UNAVAILABLE", f"The {service} service is not part of this installation.") from None


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


def _document(methods: Sequence[Method]) -> Route:
    """The OpenAPI document, written once, when somebody asks for it: that takes a tenth of a second."""

    @cache
    def written() -> bytes:
        own = {meta.PATH: meta.operation(), **operations()}
        return orjson.dumps(document(methods, comments(image()), version=version("massive-scale-chat"), meta=own))

    async def get_document(_: object) -> Response:
        return Response(await asyncio.to_thread(written), media_type="application/json")

    return Route("/api/openapi.json", get_document)

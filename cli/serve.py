"""The composition root: what a process hosts, joined by hand in one readable place."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from facade.app import open_facade
from facade.dev import DevRoutes
from facade.engine.handshake import Handshake
from facade.origins import Origins
from facade.sockets import MAX_PACKET_BYTES
from mesh import safety
from mesh.admin import admin_app
from mesh.call.server import Health, listen
from mesh.host import DRAIN_S, UnknownService, host
from mesh.settings import Settings
from mesh.telemetry.logs import configure_logs
from mesh.telemetry.loop import watch_loop
from mesh.telemetry.metrics import Metrics, new_registry
from mesh.telemetry.ring import TraceRing
from mesh.telemetry.tracing import configure_tracing
from services.message.service import SERVICE as MESSAGE
from services.presence.service import SERVICE as PRESENCE
from services.user.mail.choice import choose_mail
from services.user.oauth.providers import read_providers
from services.user.seed import SEEDS, seed_password
from services.user.service import SERVICE as USER

FACADE = "facade"
SERVICES = {service.name: service for service in (USER, MESSAGE, PRESENCE)}
BACKLOG = 2048
log = structlog.get_logger(__name__)


def main(names: Sequence[str]) -> int:
    """Runs `chat serve`; the exit code of the process."""
    try:
        settings = Settings()
        chosen = _chosen(names)
        safety.check(settings, chosen)
        _check_origins(settings)
        read_providers(settings.oidc_providers)
        choose_mail(settings)
    except (ValueError, UnknownService) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    configure_logs(settings.log, settings.log_level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings, chosen))
    except safety.Unsafe as error:
        print(f"chat: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except (UnknownService, OSError) as error:
        print(f"chat: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _chosen(names: Sequence[str]) -> list[str]:
    every = [*SERVICES, FACADE]
    for name in names:
        if name not in every:
            raise UnknownService(f"There is no service {name!r}; there are {', '.join(every)}.")
    return [name for name in every if not names or name in names]


def _check_origins(settings: Settings) -> None:
    for name, listed, url in (("ORIGINS", settings.origins, ""), ("PUBLIC_URL", "", settings.public_url)):
        try:
            Origins(listed, url)
        except ValueError as error:
            raise ValueError(f"CHAT_{name}: {error}") from None


async def _run(settings: Settings, chosen: Sequence[str]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(settings, chosen) as banner:
        gc.collect()
        gc.freeze()  # What start-up made stays: the collector need not look at it again.
        gc.enable()
        print(banner, flush=True)  # noqa: T201
        await stop.wait()
        log.info("stopping")


@asynccontextmanager
async def serving(settings: Settings, chosen: Sequence[str]) -> AsyncIterator[str]:
    """Hosts the chosen services until the block is left; yields what to tell who started it."""
    services = [SERVICES[name] for name in chosen if name in SERVICES]
    dev = settings.env == "dev"
    health = Health(chosen)
    registry = new_registry()
    ring = TraceRing() if dev else None
    async with AsyncExitStack() as stack:
        stack.callback(configure_tracing(ring=ring).shutdown)
        metrics = Metrics(registry)
        hosted = await stack.enter_async_context(host(settings, services, metrics))
        await stack.enter_async_context(watch_loop(metrics.loop_lag.observe, hosted.mesh.overload.observe))
        grpc_port = await stack.enter_async_context(
            listen(
                settings.grpc,
                hosted.registers,
                interceptors=hosted.interceptors,
                health=health,
                grace_s=DRAIN_S,
            )
        )
        stack.callback(hosted.drain)
        admin = admin_app(health.states, health.ready, registry)
        admin_url = await stack.enter_async_context(_http(admin, settings.admin))
        grpc_address = f"{settings.grpc.rpartition(':')[0]}:{grpc_port}"
        lines = [f"grpc   {grpc_address}", f"admin  {admin_url}"]
        if FACADE in chosen:
            routes = None
            if dev and USER in services and ring is not None:
                routes = DevRoutes(tuple(SEEDS), seed_password(settings), ring.trace, hosted.shown.get("mails"))
            facade = await stack.enter_async_context(open_facade(hosted.mesh, health.states, routes))
            url = await stack.enter_async_context(_http(facade.app, settings.http))
            stack.push_async_callback(facade.drain)
            await health.serve([FACADE])
            lines = [_welcome(url, grpc_address, routes), *lines]
        stack.push_async_callback(health.drain)
        yield "\n".join(lines)


@asynccontextmanager
async def _http(app: ASGIApp, address: str) -> AsyncIterator[str]:
    """Serves an application at `host:port`; yields its URL."""
    with _bound(address) as listener:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws=Handshake,
            ws_max_size=MAX_PACKET_BYTES,
            ws_per_message_deflate=False,  # It doubles the memory of a socket and hides what a frame costs.
            ws_ping_interval=None,  # Engine.IO pings by itself.
            lifespan="off",
            proxy_headers=False,  # Whom a proxy names is for the facade to believe, by CHAT_TRUSTED_PROXIES.
            access_log=False,
            server_header=False,
            log_config=None,
            timeout_graceful_shutdown=int(DRAIN_S),
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve([listener]), name=f"http {address}")
        try:
            while not server.started:
                await asyncio.sleep(0.002)
            host, port = listener.getsockname()[:2]
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            await task


def _bound(address: str) -> socket.socket:
    name, _, port = address.rpartition(":")
    try:
        listener = socket.create_server((name, int(port)), backlog=BACKLOG)
    except (OSError, ValueError) as error:
        raise OSError(f"cannot listen at {address}: {error}") from error
    # What is accepted inherits it. asyncio sets it by itself only on sockets that it made: without, answers wait 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class _Server(uvicorn.Server):
    """A server among others in a process: signals are not its business."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


def _welcome(url: str, grpc_address: str, dev: DevRoutes | None) -> str:
    lines = ["", f"  Massive Scale Chat is ready: {url}", ""]
    if dev:
        lines += [
            f"  demo   {url}/demo          docs  {url}/docs",
            f"  users  {' and '.join(dev.users)}, password {dev.password}",
            "",
            "  Try:",
            f"    PASSWORD={dev.password}",
            f"    curl -s {url}/api/users/login -H 'Content-Type: application/json' \\",
            f'      -d \'{{"username": "{dev.users[0]}", "password": "\'$PASSWORD\'"}}\'',
            f'    curl -s {url}/api/users/me -H "Authorization: Bearer $TOKEN"',
            f"    grpcurl -plaintext {grpc_address} list",
            "",
        ]
    return "\n".join(lines)

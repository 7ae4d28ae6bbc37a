"""The arity service behind each kind of channel, with the real interceptors around it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry

from mesh.call.channel import MeshChannel, open_tcp
from mesh.call.inprocess import InProcessServer
from mesh.call.interceptors import AdmissionInterceptor, ErrorInterceptor, TelemetryInterceptor
from mesh.errors import Unauthenticated
from mesh.identity.principal import Principal
from mesh.identity.proof import Proofs
from mesh.limits.interceptor import LimitInterceptor
from mesh.limits.limits import Limits, unlimited
from mesh.telemetry.metrics import Metrics
from tests.arity import ArityStub, register


class Tokens:
    """Verifies tokens that are just names: `alice`, or `root` for an administrator."""

    async def verify(self, token: str) -> Principal:
        if token not in ("alice", "root"):
            raise Unauthenticated("TOKEN_INVALID", "No such token.")
        return Principal(token, "s1", "admin" if token == "root" else "user", 2e9)


@dataclass
class Wire:
    """A running server and stubs that reach it: as the mesh calls it, and as a stranger would."""

    stub: Any
    bare: Any
    channel: grpc.aio.Channel
    stop: Callable[[float | None], Awaitable[None]]
    registry: CollectorRegistry


Serve = Callable[..., Awaitable[Wire]]
"""Takes behaviours by method, and the limits if there are any."""


@pytest.fixture(params=["inprocess", "tcp"])
async def serve(request: pytest.FixtureRequest) -> AsyncIterator[Serve]:
    """Serves behaviours of the arity service over the kind of channel that the test is run for."""
    closers: list[Callable[[], Awaitable[Any]]] = []

    async def start(behaviours: dict[str, Any], limits: Limits | None = None) -> Wire:
        registry = CollectorRegistry()
        metrics, proofs = Metrics(registry), Proofs(bytes(32))
        interceptors = (
            TelemetryInterceptor(metrics),
            ErrorInterceptor(),
            AdmissionInterceptor(Tokens(), proofs),  # type: ignore[arg-type]
            LimitInterceptor(limits or unlimited()),
        )
        inner: grpc.aio.Channel
        server: Any
        if request.param == "inprocess":
            server = InProcessServer(interceptors)
            register(server, behaviours)
            inner = server.channel()
        else:
            server = grpc.aio.server(interceptors=interceptors, options=[("grpc.so_reuseport", 0)])
            register(server, behaviours)
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            inner = open_tcp(f"ipv4:127.0.0.1:{port}", "arity")
        channel = MeshChannel(inner, metrics, proofs)
        closers.extend([lambda: channel.close(), lambda: server.stop(None)])
        return Wire(ArityStub(channel), ArityStub(inner), inner, server.stop, registry)

    yield start
    for close in closers:
        await asyncio.wait_for(close(), 10)

"""The TCP listener of the hosted services: health, reflection and an orderly end."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection

from mesh.admin import NOT_SERVING, SERVING
from mesh.call.inprocess import MAX_MESSAGE_BYTES
from mesh.service import Register

_OPTIONS = [
    ("grpc.so_reuseport", 0),  # A second process on the port is a mistake that must be heard of.
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.max_concurrent_streams", 1000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
]


class Health:
    """What is served and what is not, by service name; the truth behind every health endpoint."""

    def __init__(self, services: Sequence[str]) -> None:
        self.servicer = health.HealthServicer()
        self._serving = dict.fromkeys(services, False)
        self._draining = False

    def states(self) -> dict[str, str]:
        """`serving` or `not-serving`, by service."""
        return {name: SERVING if up else NOT_SERVING for name, up in self._serving.items()}

    def ready(self) -> bool:
        """True while all that is hosted serves and nothing drains."""
        return not self._draining and all(self._serving.values())

    async def serve(self, hosted: Sequence[str], also: Sequence[str] = ()) -> None:
        """What is hosted under these names serves from now on; `also` are gRPC services to report with it."""
        self._serving.update(dict.fromkeys(hosted, True))
        everything = [""] if all(self._serving.values()) else []
        for name in (*hosted, *also, *everything):
            await self.servicer.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def drain(self) -> None:
        """Nothing new, please."""
        self._draining = True
        await self.servicer.enter_graceful_shutdown()


@asynccontextmanager
async def listen(
    address: str,
    registers: Mapping[str, Register],
    *,
    interceptors: Sequence[grpc.aio.ServerInterceptor],
    health: Health,
    grace_s: float,
) -> AsyncIterator[int]:
    """Serves the servicers of services, by name, at `host:port`; yields the port. Leaving it lets running calls end."""
    server = grpc.aio.server(interceptors=list(interceptors), options=_OPTIONS, maximum_concurrent_rpcs=4096)
    names = _Names()
    for register in registers.values():
        register(server)
        register(names)
    health_pb2_grpc.add_HealthServicer_to_server(health.servicer, server)
    described = [*names.services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name]
    reflection.enable_server_reflection([*described, reflection.SERVICE_NAME], server, descriptor_pool.Default())
    port = _bind(server, address)
    await server.start()
    await health.serve(list(registers), names.services)
    try:
        yield port
    finally:
        await asyncio.shield(server.stop(grace_s))


def _bind(server: grpc.aio.Server, address: str) -> int:
    try:
        return server.add_insecure_port(address)
    except RuntimeError as error:  # gRPC does not say why.
        raise OSError(f"cannot listen at {address}: is another process there?") from error


class _Names:
    """Stands in for a server, to learn what generated code registers."""

    def __init__(self) -> None:
        self.services: list[str] = []

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Says the same as the next one."""

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        self.services.append(service)

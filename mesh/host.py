"""Hosts services: opens them, joins them in this process, and finds the way to those that live elsewhere."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc

from mesh.call.channel import MeshChannel, open_tcp
from mesh.call.inprocess import InProcessServer
from mesh.call.instances import Instances, balanced, may_be_several
from mesh.call.interceptors import AdmissionInterceptor, ErrorInterceptor, TelemetryInterceptor
from mesh.events.bus_local import LocalBus
from mesh.events.dead_letters import DeadLetterFile
from mesh.idempotency.interceptor import IdempotencyInterceptor
from mesh.identity.proof import Proofs
from mesh.identity.source import keys_from, principals_from
from mesh.identity.verifier import Verifier
from mesh.identity.watch import watching
from mesh.limits.interceptor import LimitInterceptor
from mesh.limits.limits import open_limits
from mesh.policy.overload import Overload
from mesh.sealing import installation_secret
from mesh.service import Mesh, Register, Service, Show
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics

DRAIN_S = 10.0
"""How long running calls may go on at shut-down."""


class UnknownService(Exception):
    """A service is needed that is neither hosted here nor has an address."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """What runs: the mesh for the facade, and what a TCP listener needs to serve the same services."""

    mesh: Mesh
    registers: Mapping[str, Register]
    interceptors: Sequence[grpc.aio.ServerInterceptor]
    drains: Sequence[Callable[[], None]]
    shown: Mapping[str, Show]

    def drain(self) -> None:
        """Ends open streams; their clients resume elsewhere."""
        for drain in self.drains:
            drain()


@asynccontextmanager
async def host(settings: Settings, services: Sequence[Service], metrics: Metrics) -> AsyncIterator[Hosted]:
    """Opens `services` in the order given. Leaving it lets running calls end, then closes them in reverse."""
    local = {service.name for service in services}
    async with AsyncExitStack() as stack:
        channels: dict[str, grpc.aio.Channel] = {}

        def channel(name: str) -> grpc.aio.Channel:
            if name not in channels:
                channels[name] = open_channel(name)
                stack.push_async_callback(channels[name].close)
            return channels[name]

        def open_channel(name: str, *, alone: bool = False) -> grpc.aio.Channel:
            if name in local:
                return MeshChannel(inprocess.channel(), metrics)
            return to(balanced(_address(settings, name)), name, alone=alone)

        def to(target: str, name: str, *, alone: bool) -> grpc.aio.Channel:
            return MeshChannel(open_tcp(target, name, alone=alone), metrics, proofs)

        def instances(name: str) -> Instances:
            target = settings.address(name)
            if name in local and not may_be_several(target):
                return Instances("", lambda _: open_channel(name))
            return Instances(_address(settings, name), lambda address: to(address, name, alone=True))

        secret = installation_secret(settings)
        proofs = Proofs(secret)
        verifier = Verifier(keys_from(lambda: channel("user")), principals_from(lambda: channel("user")))
        kind = "+".join(sorted(local)) or "facade"
        limits = await stack.enter_async_context(open_limits(settings, metrics, kind=kind))
        overload = Overload()
        idempotency = IdempotencyInterceptor(secret, clock=lambda: datetime.now(UTC))
        interceptors = (
            TelemetryInterceptor(metrics),
            ErrorInterceptor(),
            AdmissionInterceptor(verifier, proofs, overload),
            LimitInterceptor(limits),
            idempotency,
        )
        inprocess = InProcessServer(interceptors)
        drains: list[Callable[[], None]] = []
        shown: dict[str, Show] = {}
        groups = [group for service in services for group in service.groups]
        bus = LocalBus(DeadLetterFile(settings.data / "dead-letters.jsonl").append, expected=groups)
        mesh = Mesh(
            settings=settings,
            secret=secret,
            channel=channel,
            instances=instances,
            verifier=verifier,
            bus=bus,
            metrics=metrics,
            limits=limits,
            overload=overload,
            keep_idempotency=idempotency.keep,
            show=shown.__setitem__,
            at_drain=drains.append,
        )
        registers: dict[str, Register] = {}
        for service in services:
            register = await stack.enter_async_context(service.open(mesh))
            register(inprocess)
            registers[service.name] = register
        stack.push_async_callback(idempotency.close)
        stack.push_async_callback(inprocess.stop, DRAIN_S)
        if "user" in local or settings.address("user"):  # Where there is none no token can be proven, or revoked.
            await stack.enter_async_context(watching(verifier, lambda: open_channel("user", alone=True)))
        yield Hosted(mesh, registers, interceptors, drains, shown)


def _address(settings: Settings, name: str) -> str:
    address = settings.address(name)
    if not address:
        raise UnknownService(f"The {name} service is not hosted here: set CHAT_{name.upper()}_ADDRESS.")
    return address

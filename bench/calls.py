"""What a call costs: unary and streamed, in process and over TCP, with all interceptors, traces off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc
from prometheus_client import CollectorRegistry

from bench.clock import Stopwatch
from bench.table import Table
from mesh.call.channel import MeshChannel, open_tcp
from mesh.call.inprocess import InProcessServer
from mesh.call.interceptors import AdmissionInterceptor, ErrorInterceptor, TelemetryInterceptor
from mesh.call.server import Health, listen
from mesh.identity.proof import Proofs
from mesh.limits.interceptor import LimitInterceptor
from mesh.limits.limits import unlimited
from mesh.telemetry.metrics import Metrics
from tests.arity import ArityStub, Text, register
from tests.contract.call.conftest import Tokens

RUNS = 3


async def echo(request: Any, context: Any) -> Any:
    return request


async def count(request: Any, context: Any) -> AsyncIterator[Any]:
    for _ in range(int(request.value)):
        yield Text(value="x")


async def one(stub: Any) -> int:
    await stub.Echo(Text(value="hello"))
    return 1


async def fifty(stub: Any) -> int:
    await asyncio.gather(*[stub.Echo(Text(value="hello")) for _ in range(50)])
    return 50


async def streamed(stub: Any) -> int:
    return len([item async for item in stub.Count(Text(value="1000"))])


async def measure(name: str, times: int, work: Callable[[], Awaitable[int]]) -> Sequence[str]:
    """A row with the least of some runs. `work` answers how many calls or messages it has made."""
    best = (float("inf"), float("inf"))
    for _ in range(RUNS):
        watch, done = Stopwatch(), 0
        for _ in range(times):
            done += await work()
        best = min(best, (watch.wall_s() / done, watch.cpu_s() / done))
    return name, *(f"{seconds * 1e6:.1f}" for seconds in best)


@asynccontextmanager
async def channels() -> AsyncIterator[list[tuple[str, grpc.aio.Channel]]]:
    """The service of the channel tests behind both kinds of channel."""
    metrics = Metrics(CollectorRegistry())
    interceptors = (
        TelemetryInterceptor(metrics),
        ErrorInterceptor(),
        AdmissionInterceptor(Tokens(), Proofs(bytes(32))),  # type: ignore[arg-type]
        LimitInterceptor(unlimited()),
    )
    local = InProcessServer(interceptors)

    def register_echo(server: Any) -> None:
        register(server, {"Echo": echo, "Count": count})

    register_echo(local)
    listener = listen(
        "127.0.0.1:0", {"arity": register_echo}, interceptors=interceptors, health=Health(["arity"]), grace_s=1
    )
    async with listener as port, open_tcp(f"ipv4:127.0.0.1:{port}", "arity") as remote:
        yield [("in process", MeshChannel(local.channel(), metrics)), ("TCP", MeshChannel(remote, metrics))]


async def table() -> Table:
    found = Table(
        "Calls",
        ("", "µs wall", "µs CPU"),
        f"A small echo, each end in this process, so that CPU counts both. The least of {RUNS} runs, per item.",
    )
    async with channels() as ways:
        for name, channel in ways:
            stub = ArityStub(channel)
            await one(stub)
            found.rows.append(await measure(f"unary, {name}, one at a time", 1000, partial(one, stub)))
            found.rows.append(await measure(f"unary, {name}, 50 at a time", 40, partial(fifty, stub)))
            found.rows.append(await measure(f"streamed message, {name}", 3, partial(streamed, stub)))
    return found

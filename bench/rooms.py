"""What a message costs the whole server, from the sender's socket to the sockets of everybody in the room."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from bench.crowd import Figures, Plan
from bench.folder import on_disk
from bench.machine import ROOT
from bench.table import Table
from tests.e2e.clients import Clients, User, open_clients
from tests.e2e.conftest import Server, start

USERS = 20
PACE = 200
LOADS = ((0, 200), (PACE, 40))
"""Messages a second in all (0 is as fast as acknowledged), messages that each user sends."""


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """`chat serve` with its defaults, in a process of its own."""
    server = start(folder / "data")
    try:
        yield server
    finally:
        server.stop(signal.SIGTERM)


async def open_rooms(clients: Clients, users: Sequence[User], size: int) -> list[tuple[str, list[str]]]:
    """Groups of `size`, so that everybody is in one: conversation ids and the members' tokens."""
    groups = [users[first : first + size] for first in range(0, len(users), size)]
    return [(await clients.group(*group, name=f"room of {size}"), [user.token for user in group]) for group in groups]


async def crowd(plan: Plan) -> Figures:
    """Carries out a plan in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.crowd", cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    if process.returncode:
        raise RuntimeError("The load generator failed; its own words stand above.")
    return Figures(**json.loads(said))


def row(size: int, rate: float, figures: Figures) -> Sequence[str]:
    load = f"at {rate:.0f}/s" if rate else "at full speed"
    thousands = figures.sent / 1000
    return (
        f"rooms of {size}, {load}",
        f"{figures.sent / figures.wall_s:.0f}",
        f"{figures.delivered}",
        f"{figures.server_cpu_s / thousands:.2f}",
        f"{figures.server_cpu_s / figures.delivered * 1e6:.0f}",
        f"{figures.crowd_cpu_s / thousands:.2f}",
        f"{figures.ack_p50_ms:.1f}",
        f"{figures.ack_p99_ms:.1f}",
    )


async def table() -> Table:
    found = Table(
        "Rooms",
        (
            "",
            "messages/s",
            "delivered",
            "server CPU-s/1,000",
            "µs/delivery",
            "generator CPU-s/1,000",
            "ack p50 ms",
            "p99 ms",
        ),
        f"`chat serve` as it is by default, {USERS} WebSockets from another process. Everybody in a room gets every\n"
        "message, the sender too; each socket is checked for every number, in order. CPU is per 1,000 messages sent,\n"
        "with all their deliveries: user and system seconds of the whole server until it is quiet again. At full\n"
        "speed each user sends again when acknowledged.",
    )
    with on_disk() as folder, serving(folder) as server:
        async with open_clients(server.http, server.grpc) as clients:
            users = [await clients.register() for _ in range(USERS)]
            for size in (2, 10):
                rooms = await open_rooms(clients, users, size)
                for rate, each in LOADS:
                    figures = await crowd(Plan(server.http, server.process.pid, rooms, each, rate))
                    found.rows.append(row(size, rate, figures))
    return found

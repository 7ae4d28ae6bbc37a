"""Whether a name exists cannot be told from answers, nor from their time; and what a flood of log-ins does to others.

Run as `python -m tests.acceptance.enumeration [samples]`. Names that somebody has, tried with a wrong password, and
names that nobody has take turns; how far apart two groups of the latter seem tells what the machine does to the
figures. It ends with 1 when one is missed.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx2

from tests.e2e.clients import PASSWORD, Clients, User, open_clients
from tests.e2e.conftest import start

SAMPLES = 200
WITHIN = 0.05
ROUNDS = 5
PAUSE_S = 0.05
EACH_NAME = 2
"""So often a name fails for nothing: the third failure begins to be slowed down."""
FLOOD_CLIENTS = 32
RUN_S = 8.0
EVERY_S = 0.02
WARM_UP = 10
CHANGING = ("trace_id", "correlation_id", "request_id", "instance")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    ms: float


async def ask(clients: Clients, path: str, body: dict[str, str]) -> Answer:
    begin = time.perf_counter()
    response = await clients.rest.post(path, json=body)
    ms = (time.perf_counter() - begin) * 1000
    said = {name: value for name, value in _json(response).items() if name not in CHANGING}
    return Answer(response.status_code, said, ms)


def _json(response: httpx2.Response) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(response.content) if response.content else {}
    return found


@dataclass(frozen=True, slots=True)
class Round:
    """The answers for names that somebody has, and for two groups of names that nobody has."""

    known: Sequence[Answer]
    unknown: Sequence[Answer]
    control: Sequence[Answer]

    @property
    def apart(self) -> float:
        return _apart(self.known, self.unknown)

    @property
    def noise(self) -> float:
        """How far apart what is the same seems: what the machine does to the figures."""
        return _apart(self.unknown, self.control)

    def __add__(self, other: "Round") -> "Round":
        return Round([*self.known, *other.known], [*self.unknown, *other.unknown], [*self.control, *other.control])

    def show(self, what: str) -> None:
        medians = [median(answer.ms for answer in answers) for answers in (self.known, self.unknown)]
        print(
            f"{what:14} known {medians[0]:7.2f} ms   unknown {medians[1]:7.2f} ms   {self.apart:5.1%} apart"
            f"   (two groups of unknown: {self.noise:5.1%}; {len(self.known)} of each)",
            flush=True,
        )

    def bodies(self) -> set[tuple[int, str]]:
        every = (*self.known, *self.unknown, *self.control)
        return {(answer.status, json.dumps(answer.body, sort_keys=True)) for answer in every}


def _apart(one: Sequence[Answer], other: Sequence[Answer]) -> float:
    medians = [median(answer.ms for answer in answers) for answers in (one, other)]
    return abs(medians[0] - medians[1]) / max(medians)


Body = dict[str, str]


async def take_turns(clients: Clients, path: str, groups: Sequence[Sequence[Body]]) -> Round:
    """Asks for one of each group in turn, in an order by chance, after a few that do not count.

    What a call leaves to be done, such as a mail to be sent, is let be done before the next one.
    """
    for body in groups[1][:WARM_UP]:
        await ask(clients, path, {**body, next(iter(body)): f"{uuid4().hex}@example.com"})
    answers: list[list[Answer]] = [[], [], []]
    for bodies in zip(*groups, strict=True):
        for which in random.sample(range(3), 3):
            answers[which].append(await ask(clients, path, bodies[which]))
            await asyncio.sleep(PAUSE_S)
    return Round(*answers)


async def measure(clients: Clients, what: str, path: str, make: Callable[[str], Body], samples: int) -> list[str]:
    """Gathers samples until what is the same seems so; what is wrong then."""
    found = Round([], [], [])
    for _ in range(ROUNDS):
        names = await new_names(clients, -(-samples // EACH_NAME))
        groups = [[make(name) for name in group] * EACH_NAME for group in names]
        found += await take_turns(clients, path, groups)
        found.show(what)
        if found.noise < WITHIN / 2:
            break
    else:
        return [f"{what}: the machine is too busy for figures"]
    bodies = found.bodies()
    wrong = [f"{what}: {len(bodies)} different answers: {sorted(bodies)[:3]}"] if len(bodies) > 1 else []
    return wrong + ([f"{what}: medians {found.apart:.1%} apart"] if found.apart >= WITHIN else [])


async def new_names(clients: Clients, count: int) -> list[list[str]]:
    """So many names that somebody has from now on, and two times as many that nobody has; all look alike."""
    groups = [[f"name-{uuid4().hex[:12]}" for _ in range(count)] for _ in range(3)]
    for name in groups[0]:
        new = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        (await clients.rest.post("/api/users/register", json=new)).raise_for_status()
    return groups


async def enumeration(clients: Clients, samples: int) -> list[str]:
    """Log-ins and lost passwords, of names that exist and that do not; what is wrong."""
    return [
        *await measure(
            clients, "log-in", "/api/users/login", lambda name: {"username": name, "password": "wrong horse"}, samples
        ),
        *await measure(
            clients,
            "lost password",
            "/api/users/password/forgot",
            lambda name: {"email": f"{name}@example.com"},
            samples,
        ),
    ]


async def reads(clients: Clients, user: User, seconds: float) -> list[float]:
    """Milliseconds of calls of GetMe, at a steady rate."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def one() -> None:
        begin = time.perf_counter()
        (await clients.rest.get("/api/users/me", headers=user.headers)).raise_for_status()
        took.append((time.perf_counter() - begin) * 1000)

    async with asyncio.TaskGroup() as tasks:
        while time.perf_counter() < end:
            tasks.create_task(one())
            await asyncio.sleep(EVERY_S)
    return took


@asynccontextmanager
async def flood(url: str) -> AsyncIterator[list[int]]:
    """Log-ins of names that nobody has, as fast as they are answered, until the block is left; yields the statuses."""
    statuses: list[int] = []

    async def one(client: httpx2.AsyncClient) -> None:
        while True:
            body = {"username": uuid4().hex, "password": "wrong horse"}
            statuses.append((await client.post("/api/users/login", json=body)).status_code)

    async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
        tasks = [asyncio.create_task(one(client)) for _ in range(FLOOD_CLIENTS)]
        try:
            yield statuses
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError, httpx2.HTTPError):
                    await task


async def under_flood(clients: Clients) -> None:
    """Prints how many log-ins are looked at a second, and what reading one's own account takes meanwhile."""
    user = await clients.register()
    before = await reads(clients, user, RUN_S)
    async with flood(clients.url) as statuses:
        during = await reads(clients, user, RUN_S)
    looked_at, shed = statuses.count(401), len(statuses) - statuses.count(401)
    print(f"flood: {looked_at / RUN_S:.0f} log-ins a second looked at, {shed / RUN_S:.0f} turned away")
    for name, took in (("without", before), ("with", during)):
        cuts = quantiles(took, n=100)
        print(f"GetMe {name:>8} the flood: p50 {cuts[49]:6.1f} ms, p99 {cuts[98]:6.1f} ms   ({len(took)} calls)")


async def run(url: str, grpc: str, samples: int) -> list[str]:
    async with open_clients(url, grpc) as clients:
        broken = await enumeration(clients, samples)
        await under_flood(clients)
    return broken


def main(samples: int) -> int:
    with TemporaryDirectory() as folder:
        # The limits would stop a flood from one address at once: here it is looked at what stands behind them.
        server = start(Path(folder) / "data", CHAT_LIMITS="off")
        try:
            broken = asyncio.run(run(server.http, server.grpc, samples))
        finally:
            server.stop()
    print(*broken, sep="\n")
    print(f"enumeration: {'missed' if broken else 'nothing is told'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES))

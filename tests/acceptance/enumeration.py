"""Whether a name exists cannot be told from answers, nor from their time; and what a flood of log-ins does to others.

Run as `python -m tests.acceptance.enumeration [samples]`. Names that somebody has, tried with a wrong password, and
names that nobody has take turns. It ends with 1 when a figure is missed.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
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


def compare(what: str, known: Sequence[Answer], unknown: Sequence[Answer]) -> list[str]:
    """Prints the medians; what is wrong."""
    medians = [median(answer.ms for answer in answers) for answers in (known, unknown)]
    apart = abs(medians[0] - medians[1]) / max(medians)
    print(
        f"{what:24} known {medians[0]:7.2f} ms   unknown {medians[1]:7.2f} ms   {apart:6.1%} apart"
        f"   ({len(known)} of each)",
        flush=True,
    )
    bodies = {(answer.status, json.dumps(answer.body, sort_keys=True)) for answer in (*known, *unknown)}
    wrong = [f"{what}: {len(bodies)} different answers: {sorted(bodies)[:3]}"] if len(bodies) > 1 else []
    return wrong + ([f"{what}: medians {apart:.1%} apart"] if apart >= WITHIN else [])


async def taking_turns(
    clients: Clients, path: str, known: Sequence[dict[str, str]], unknown: Sequence[dict[str, str]]
) -> tuple[list[Answer], list[Answer]]:
    """The answers for each, asked in turn, after a few that do not count."""
    for body in unknown[:WARM_UP]:
        await ask(clients, path, {**body, next(iter(body)): f"{uuid4().hex}@example.com"})
    answers: tuple[list[Answer], list[Answer]] = [], []
    for number, pair in enumerate(zip(known, unknown, strict=True)):
        # Which of the two comes first changes too.
        for which in (0, 1) if number % 2 else (1, 0):
            answers[which].append(await ask(clients, path, pair[which]))
    return answers


async def enumeration(clients: Clients, samples: int) -> list[str]:
    """Log-ins and lost passwords, of names that exist and that do not; what is wrong."""
    count = -(-samples // EACH_NAME)
    names = [f"known-{uuid4().hex[:12]}" for _ in range(count)]
    for name in names:
        new = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        (await clients.rest.post("/api/users/register", json=new)).raise_for_status()
    others = [f"other-{uuid4().hex[:12]}" for _ in range(count)]
    broken = []
    logins = [[{"username": name, "password": "wrong horse"} for name in of] for of in (names, others)]
    pairs = await taking_turns(clients, "/api/users/login", logins[0] * EACH_NAME, logins[1] * EACH_NAME)
    broken += compare("log-in", *pairs)
    lost = [[{"email": f"{name}@example.com"} for name in of] * EACH_NAME for of in (names, others)]
    broken += compare("lost password", *await taking_turns(clients, "/api/users/password/forgot", *lost))
    return broken


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

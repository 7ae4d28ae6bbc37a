"""Some sockets stop reading while they are flooded: they cost little, are closed soon, and nobody else notices.

Run as `python -m tests.acceptance.slow [sockets]`, of which one in twenty is slow. First all read, then the slow ones
do not; when all of those are closed, five read again at once and are to find out why. Afterwards all of them come back,
read what they missed, which is more than may wait for a socket, and have everything. It ends with 1 when a promise is
broken; what the others notice is printed.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from tests.acceptance.cluster import Cluster, Node
from tests.acceptance.crowd import gather_crowd, present, read_verdict
from tests.acceptance.followers import Follower
from tests.e2e.clients import Clients, User, open_clients

SOCKETS, SLOW_PART, DEVICES, USERS_EACH = 1_000, 20, 10, 3
PROBE_S = 0.01
FLOOD_TEXT, FLOOD_BATCH, FLOOD_S, MAX_FLOOD = "🦜" * 2_500, 10, 0.5, 900
"""10 kB, ten at a time; so many are still replayed."""
BASE_S, BACK_S = 10.0, 2.0
CLOSED_S, RSS_BYTES = 30.0, 1 << 20
RECEIVE_BYTES = 65_536


@dataclass
class Figures:
    """What was seen while something ran."""

    latencies_ms: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)

    @property
    def grown(self) -> int:
        return max(self.rss) - self.rss[0]

    def __str__(self) -> str:
        cuts = quantiles(self.latencies_ms, n=100)
        return (
            f"{len(self.latencies_ms):,} deliveries to the others, p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms; "
            f"the facade grew by {self.grown / 2**20:.1f} MiB"
        )

    @property
    def p99_ms(self) -> float:
        return quantiles(self.latencies_ms, n=100)[98]


class Site:
    """The facade, who speaks, the slow ones and the others."""

    def __init__(
        self, clients: Clients, facade: Node, speaker: User, slow: Sequence[Follower], others: Sequence[Follower]
    ) -> None:
        self.clients, self.facade, self.speaker, self.slow, self.others = clients, facade, speaker, slow, others
        self.flooded = 0

    async def flood(self) -> None:
        """Large messages to the slow ones, until it is cancelled or as many were sent as are replayed."""
        (group,) = self.slow[0].groups
        while self.flooded < MAX_FLOOD:
            items = [{"conversation_id": group, "text": FLOOD_TEXT} for _ in range(FLOOD_BATCH)]
            self.flooded += len(items)
            path, headers = "/api/messages:batchSend", self.speaker.headers
            (await self.clients.rest.post(path, json={"items": items}, headers=headers)).raise_for_status()
            await asyncio.sleep(FLOOD_S)

    async def probe(self) -> None:
        """Small messages to the others, a group after the other."""
        groups = sorted({group for follower in self.others for group in follower.groups})
        while True:
            for group in groups:
                message = {"conversation_id": group, "text": str(time.perf_counter())}
                headers = self.speaker.headers
                (await self.clients.rest.post("/api/messages", json=message, headers=headers)).raise_for_status()
                await asyncio.sleep(PROBE_S)

    async def weigh(self, figures: Figures) -> None:
        while True:
            figures.rss.append(self.facade.rss_bytes)
            await asyncio.sleep(0.1)

    async def open_sockets(self) -> int:
        metrics = (await self.clients.rest.get(f"{self.facade.admin}/metrics")).text
        line = next(line for line in metrics.splitlines() if line.startswith("chat_sockets "))
        return int(float(line.split()[1]))

    async def not_back(self, came: Mapping[Follower, int]) -> int:
        """Waits for those to come once more who had come so often; how many do not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSED_S):
                while any(len(follower.ups) <= times for follower, times in came.items()):
                    await asyncio.sleep(0.1)
        return sum(len(follower.ups) <= times for follower, times in came.items())

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[Figures]:
        """The flood and the probes, while the block runs; what they found."""
        figures = Figures()

        def arrived(message: Mapping[str, Any]) -> None:
            figures.latencies_ms.append((time.perf_counter() - float(message["text"])) * 1000)

        for follower in self.others:
            follower.on_message = arrived
        tasks = [asyncio.create_task(work) for work in (self.weigh(figures), self.probe(), self.flood())]
        try:
            yield figures
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    raise outcome
            for follower in self.others:
                follower.on_message = None


async def stall(site: Site, base: Figures) -> list[str]:
    """The slow ones stop reading; what of what follows is broken."""
    curious = site.slow[:: max(1, len(site.slow) // 5)]
    came = {follower: len(follower.ups) for follower in site.slow}
    first_s = last_s = 0.0
    async with site.busy() as figures:
        for follower in site.slow:
            assert follower.light is not None
            follower.light.transport.pause_reading()
        began = time.perf_counter()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSED_S * 2):
                while (count := await site.open_sockets()) > len(site.others):
                    if not first_s and count < len(site.others) + len(site.slow):
                        first_s = time.perf_counter() - began
                    await asyncio.sleep(0.1)
                last_s = time.perf_counter() - began
    read_on(curious)
    async with site.busy() as returning:
        await site.not_back({follower: came[follower] for follower in curious})
        await asyncio.sleep(BACK_S)
    read_on(site.slow)
    away = await site.not_back(came)
    told = sum(follower.heard["slow-consumer"] > 0 for follower in curious)
    again = sum(follower.heard["slow-consumer"] > 1 for follower in site.slow)
    each = figures.grown / len(site.slow)
    print(f"with {len(site.slow)} of them not reading: {figures}, {each / 1024:.0f} KiB for each of those")
    print(f"while {len(curious)} come back: {returning}")
    print(f"p99 of the others: {figures.p99_ms / base.p99_ms:.2f} times that of before")
    print(
        f"closed after {first_s or last_s:.1f} to {last_s:.1f} s; of {len(curious)} that read on {told} were told why"
    )
    checks = {
        f"not all were closed within {CLOSED_S:.0f} s": 0 < last_s <= CLOSED_S,
        f"{len(curious) - told} were not told that they were slow": told == len(curious),
        f"{again} were closed again while they read what they had missed": not again,
        f"{away} did not come back": not away,
        f"each cost {each / 1024:.0f} KiB": each <= RSS_BYTES,
    }
    return [what for what, holds in checks.items() if not holds]


def read_on(followers: Sequence[Follower]) -> None:
    for follower in followers:
        if follower.light is not None and not follower.light.transport.is_closing():
            follower.light.transport.resume_reading()


async def run(cluster: Cluster, sockets: int) -> list[str]:
    (facade,) = cluster.facades
    async with open_clients(facade.http, cluster.user.grpc) as clients:
        speaker = await clients.register("speaker")
        slow_count = sockets // SLOW_PART
        options = {"devices": DEVICES, "users_each": sockets}
        slow = await gather_crowd(clients, speaker, cluster.urls, sockets=slow_count, **options)
        options["users_each"] = USERS_EACH
        others = await gather_crowd(clients, speaker, cluster.urls, sockets=sockets - slow_count, **options)
        site = Site(clients, facade, speaker, slow, others)
        for follower in slow:
            follower.receive_bytes = RECEIVE_BYTES
        async with present([*others, *slow]):
            print(f"{len(others)} sockets, and {len(slow)} that will be slow", flush=True)
            async with site.busy() as base:
                await asyncio.sleep(BASE_S)
            print(f"with all of them reading: {base}", flush=True)
            broken = await stall(site, base)
            verdict, _ = await read_verdict(clients, speaker, [*others, *slow])
            with suppress(TimeoutError):
                await verdict.wait([*others, *slow])
    for follower in (*others, *slow):
        broken += verdict.judge(follower)
    others_gone = sum(follower.heard["connected"] - 1 for follower in others)
    print(f"{site.flooded} large messages; {others_gone} of the others had to come back; {verdict}")
    return broken + ([f"{others_gone} of the others lost their connection"] if others_gone else [])


def main(sockets: int) -> int:
    with TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder) / "data", {}, facades=1)
        with cluster.running():
            broken = asyncio.run(run(cluster, sockets))
        print("logged: " + ", ".join(f"{count} times {what}" for what, count in cluster.errors().most_common()))
    print(*broken[:20], sep="\n")
    print(f"{sockets:,} sockets: {len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SOCKETS))

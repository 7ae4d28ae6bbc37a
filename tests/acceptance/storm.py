"""Clients lose their connections again and again while facades and message services end and start, and miss nothing.

Run as `python -m tests.acceptance.storm [disconnects] [--postgres]`; with fewer than a thousand everything is smaller,
with the latter there are two message services on the database of CHAT_TEST_POSTGRES_URL. Clients are cut off in the
middle of frames and come back to any facade with their place; some stay away until a resume is too much, and sync. It
ends with 1 when one missed a change, got one twice or in another order, or when a message is not what was acknowledged.
"""

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from tests.acceptance.cluster import Cluster, Node
from tests.acceptance.crowd import Verdict, present, read_verdict
from tests.acceptance.followers import Follower
from tests.acceptance.history import Entry, violations
from tests.acceptance.postgres import asked_for, database_settings
from tests.e2e.clients import Clients, User, open_clients

DISCONNECTS = 1_000
CALM_S, STORM_S = 60.0, 300.0
PAUSE_S = (0.3, 1.5)
BURST, BATCH = 1_050, 50
"""More than is replayed, in parts that one call takes."""


@dataclass(frozen=True, slots=True)
class Size:
    """How big a storm is."""

    users: int
    devices_each: int
    groups: int
    absentees: int
    bursts: int
    restarts: int
    stay_s: tuple[float, float]
    say_s: tuple[float, float]


FULL = Size(50, 4, 10, 10, 5, 8, (1.0, 14.0), (2.0, 6.0))
SMALL = Size(10, 4, 5, 5, 1, 3, (0.5, 4.0), (1.0, 3.0))


class Storm:
    """All clients, and what is done to them."""

    def __init__(
        self, cluster: Cluster, followers: Sequence[Follower], absentees: Sequence[Follower], size: Size
    ) -> None:
        self.cluster, self.followers, self.absentees, self.size = cluster, followers, absentees, size
        self.everybody = [*followers, *absentees]
        self.calm = asyncio.Event()
        self.cuts: Counter[str] = Counter()
        self.restarts: list[str] = []

    async def live(self, follower: Follower) -> None:
        """Comes and goes in all ways; stays once it is calm."""
        while True:
            if await follower.come():
                is_calm = self.calm.is_set()
                if await follower.stay(CALM_S * 2 if is_calm else random.uniform(*self.size.stay_s)):
                    self.cut(follower)
                else:
                    self.cuts["by the server"] += 1
            follower.leave()
            if follower.wait_s is None and not self.calm.is_set():
                await asyncio.sleep(random.uniform(*PAUSE_S))
            await follower.retreat()

    def cut(self, follower: Follower) -> None:
        light = follower.light
        assert light is not None
        how = random.choice(("reset", "within a frame", "closed"))
        self.cuts[how] += 1
        if how == "reset":
            light.cut()
        elif how == "within a frame":
            light.cut_within_a_frame("typing", {"conversation_id": follower.groups[0]})
        else:
            light.transport.close()

    async def talk(self, follower: Follower) -> None:
        while not self.calm.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(random.uniform(*self.size.say_s)):
                    await self.calm.wait()
            await follower.say(random.choice(follower.groups))

    async def restart(self) -> None:
        """Ends one process after the other, by signal or by force, and starts it again."""
        nodes: Sequence[Node] = (*self.cluster.facades, *self.cluster.messages)
        for number in range(self.size.restarts):
            await asyncio.sleep(random.uniform(2, 5))
            node, how = nodes[number % len(nodes)], (signal.SIGKILL, signal.SIGTERM)[number // len(nodes) % 2]
            seconds = await asyncio.to_thread(node.stop, how)
            await asyncio.sleep(random.uniform(0, 1))
            await asyncio.to_thread(node.start)
            self.restarts.append(f"{node.name} by {how.name} in {seconds:.1f} s")

    async def until_cut(self, disconnects: int) -> None:
        told = 0
        while self.cuts.total() < disconnects:
            await asyncio.sleep(0.2)
            if self.cuts.total() - told >= disconnects / 5:
                told = self.cuts.total()
                up = sum(follower.up.is_set() for follower in self.followers)
                acked = sum(len(follower.acked) for follower in self.followers)
                print(f"{told:6,} disconnects, {up} of {len(self.followers)} up, {acked:,} acknowledged", flush=True)


async def stay_away(clients: Clients, speaker: User, absentees: Sequence[Follower], bursts: int) -> None:
    """Again and again all leave, more is said than is replayed, and all come back."""
    (group,) = absentees[0].groups
    for burst in range(bursts):
        async with present(absentees, STORM_S):
            pass
        for first in range(0, BURST, BATCH):
            keys = [f"burst{burst}-{n}" for n in range(first, first + BATCH)]
            await write(clients, speaker, group, keys)


async def write(clients: Clients, speaker: User, group: str, keys: Sequence[str]) -> None:
    """Writes a message for each key, again and again until all are there."""
    items = [{"conversation_id": group, "client_msg_id": key, "text": f"{key} to you"} for key in keys]
    while items:
        with suppress(httpx2.HTTPError):
            answer = await clients.rest.post("/api/messages:batchSend", json={"items": items}, headers=speaker.headers)
            if answer.status_code == 200:
                results = answer.json()["items"]
                items = [item for item, result in zip(items, results, strict=True) if not result.get("sent")]
                continue
        await asyncio.sleep(0.3)


async def run(cluster: Cluster, size: Size, disconnects: int) -> list[str]:
    async with open_clients(cluster.facades[0].http, cluster.user.grpc) as clients:
        users = [await clients.register(f"user{n}") for n in range(size.users)]
        absent, speaker = await clients.register("absent"), await clients.register("speaker")
        each = size.users // size.groups
        members = [[*users[n * each : (n + 1) * each], users[(n + 1) * each % size.users]] for n in range(size.groups)]
        groups = {await clients.group(speaker, *who): who for who in members}
        busy = await clients.group(speaker, absent)

        followers = [
            Follower(
                f"{user.username[:8]}-{device}", user, [g for g, who in groups.items() if user in who], cluster.urls
            )
            for user in users
            for device in range(size.devices_each)
        ]
        absentees = [Follower(f"absent-{n}", absent, [busy], cluster.urls) for n in range(size.absentees)]
        storm = Storm(cluster, followers, absentees, size)
        verdict, found = await rage(storm, clients, speaker, disconnects)
    return report(storm, verdict, found)


async def rage(storm: Storm, clients: Clients, speaker: User, disconnects: int) -> tuple[Verdict, list[Entry]]:
    """The storm, and the calm after it."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        lives = [tasks.create_task(storm.live(follower)) for follower in storm.followers]
        talks = [tasks.create_task(storm.talk(follower)) for follower in storm.followers]
        trouble = [
            tasks.create_task(storm.restart()),
            tasks.create_task(storm.until_cut(disconnects)),
            tasks.create_task(stay_away(clients, speaker, storm.absentees, storm.size.bursts)),
        ]
        await asyncio.gather(*trouble)
        storm.calm.set()
        print(f"calm after {time.perf_counter() - began:.1f} s", flush=True)
        await asyncio.gather(*talks)
        async with present(storm.absentees):
            verdict, found = await read_verdict(clients, speaker, storm.everybody)
            with suppress(TimeoutError):
                await verdict.wait(storm.everybody)
        for life in lives:
            life.cancel()
    return verdict, found


def report(storm: Storm, verdict: Verdict, found: Sequence[Entry]) -> list[str]:
    """Prints the figures; what is broken."""
    heard: Counter[str] = sum((follower.heard for follower in storm.everybody), Counter())
    acked = [entry for follower in storm.everybody for entry in follower.acked]
    attempted = {entry.key for entry in found if entry.key.startswith("burst")}
    attempted.update(*(follower.attempted for follower in storm.everybody))
    broken = [line for follower in storm.everybody for line in verdict.judge(follower)]
    changes = sum(len(seen) for follower in storm.everybody for seen in follower.seen.values())
    print("restarts: " + "; ".join(storm.restarts))
    print("disconnects: " + ", ".join(f"{count:,} {how}" for how, count in storm.cuts.most_common()))
    print("told: " + ", ".join(f"{count:,} {what}" for what, count in heard.most_common()))
    unanswered = sum(follower.unanswered for follower in storm.everybody)
    print(f"{len(acked):,} acknowledged to clients, {unanswered:,} tries without an answer, {len(found):,} stored")
    print(f"{changes:,} changes to {len(storm.everybody)} clients: {verdict}")
    broken += violations(acked, found, attempted)
    wanted = storm.size.absentees * storm.size.bursts
    if heard["resync-required"] < wanted:
        broken.append(f"{heard['resync-required']} had to sync, {wanted} should have")
    return broken


def main(disconnects: int, *, postgres: bool) -> int:
    size = FULL if disconnects >= DISCONNECTS else SMALL
    with TemporaryDirectory() as folder, database_settings(postgres) as settings:
        cluster = Cluster(Path(folder) / "data", settings, messages=2 if postgres else 1)
        with cluster.running():
            broken = asyncio.run(run(cluster, size, disconnects))
        print("logged: " + ", ".join(f"{count} times {what}" for what, count in cluster.errors().most_common()))
    print(*broken[:20], sep="\n")
    print(f"{disconnects:,} disconnects: {len(broken)} violations")
    return 1 if broken else 0


if __name__ == "__main__":
    on_postgres = asked_for()
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else DISCONNECTS, postgres=on_postgres))

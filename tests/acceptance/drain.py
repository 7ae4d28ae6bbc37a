"""A facade is asked to end while its sockets are in use: nobody loses anything, and the others are not overrun.

Run as `python -m tests.acceptance.drain [sockets]`. Clients stay away as long as they are told. It ends with 1 when a
promise is broken.
"""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.acceptance.cluster import Cluster, Node
from tests.acceptance.crowd import gather_crowd, present, read_verdict
from tests.acceptance.followers import Follower
from tests.acceptance.history import violations
from tests.e2e.clients import open_clients

SOCKETS, DEVICES, USERS_EACH = 1_000, 20, 2
TALKERS_PART, SAY_S, BEFORE_S = 0.1, 2.0, 3.0
EXIT_S, RESUMED_S, PEAK = 45.0, 30.0, 0.10
FEW = 60
"""In a second: so few are no flood, whatever part of all they are."""


def busiest_second(moments: Sequence[float]) -> int:
    """How many moments lie in the second with most of them."""
    ordered = sorted(moments)
    most, first = 0, 0
    for last, moment in enumerate(ordered):
        while ordered[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


async def talk(follower: Follower, done: asyncio.Event) -> None:
    while not done.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(random.uniform(0, 2 * SAY_S)):
                await done.wait()
        await follower.say(follower.groups[0])


async def end(facade: Node, followers: Sequence[Follower]) -> list[str]:
    """Ends a facade; prints what that meant for those who were there, and what of it is broken."""
    moved = [follower for follower in followers if follower.url == facade.http]
    unanswered = sum(follower.unanswered for follower in moved)
    began = time.perf_counter()
    exit_s = await asyncio.to_thread(facade.stop)
    with suppress(TimeoutError):
        async with asyncio.timeout(RESUMED_S + 10):
            while not all(follower.ups[-1] > began for follower in moved):
                await asyncio.sleep(0.1)
    back = [follower.ups[-1] - began for follower in moved if follower.ups[-1] > began]
    tries = [moment for follower in moved for moment in follower.tries if moment > began]
    unanswered = sum(follower.unanswered for follower in moved) - unanswered
    untold = sum(not follower.heard["server-draining"] for follower in moved)
    busiest = busiest_second(tries)
    peak = busiest / max(1, len(tries))
    last = max(back, default=0.0)
    print(
        f"the facade ended after {exit_s:.1f} s; {len(moved)} sockets, {len(back)} resumed, the last after {last:.1f} s"
    )
    print(f"{len(tries)} tries to connect again, {busiest} of them in the busiest second ({peak:.1%})")
    print(f"{untold} were not told; {unanswered} messages had no answer, and were sent again elsewhere")
    checks = {
        f"the facade ended after {exit_s:.1f} s": exit_s <= EXIT_S,
        f"{len(moved) - len(back)} did not come back": len(back) == len(moved),
        f"the last came back after {last:.1f} s": last <= RESUMED_S,
        f"{busiest} ({peak:.1%}) came back in one second": peak <= PEAK or busiest <= FEW,
        f"{untold} were not told to go": not untold,
        f"{unanswered} messages were in flight and not answered": not unanswered,
    }
    return [what for what, holds in checks.items() if not holds]


async def run(cluster: Cluster, sockets: int) -> list[str]:
    leaving = cluster.facades[-1]
    gone = asyncio.Event()

    def urls() -> Sequence[str]:
        """As a balancer would: nothing new for who is leaving."""
        return cluster.urls()[:-1] if gone.is_set() else cluster.urls()

    async with open_clients(cluster.facades[0].http, cluster.user.grpc) as clients:
        speaker = await clients.register("speaker")
        followers = await gather_crowd(clients, speaker, urls, sockets=sockets, devices=DEVICES, users_each=USERS_EACH)
        async with present(followers):
            print(f"{len(followers)} sockets are there", flush=True)
            done = asyncio.Event()
            talkers = random.sample(followers, int(len(followers) * TALKERS_PART))
            talks = [asyncio.create_task(talk(follower, done)) for follower in talkers]
            await asyncio.sleep(BEFORE_S)
            gone.set()
            broken = await end(leaving, followers)
            done.set()
            await asyncio.gather(*talks)
            verdict, found = await read_verdict(clients, speaker, followers)
            with suppress(TimeoutError):
                await verdict.wait(followers)
    broken += [line for follower in followers for line in verdict.judge(follower)]
    acked = [entry for follower in followers for entry in follower.acked]
    print(f"{len(acked):,} acknowledged, {len(found):,} stored; {verdict}")
    return broken + violations(acked, found, set[str]().union(*(follower.attempted for follower in followers)))


def main(sockets: int) -> int:
    with TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder) / "data", {})
        with cluster.running():
            broken = asyncio.run(run(cluster, sockets))
        print("logged: " + ", ".join(f"{count} times {what}" for what, count in cluster.errors().most_common()))
    print(*broken[:20], sep="\n")
    print(f"{sockets:,} sockets: {len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SOCKETS))

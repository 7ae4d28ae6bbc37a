"""Who is shown as there is there, and who is not is not: after leaving, crashes, and the loss of all that Redis knew.

Run as `python -m tests.acceptance.presence [seconds]`; so long everybody is looked at after all have left. Below the
life of two leases what takes a minute is left out. It starts a Redis of its own, two presence services and two facades,
and ends with 1 when something was not shown in time.
"""

import asyncio
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import redis.asyncio

from tests.acceptance.cluster import Cluster, Node
from tests.acceptance.light import Light, connect
from tests.e2e.clients import Clients, User, open_clients
from tests.ports import reserve_port

LEASES_S = 90.0
USERS = 8
CLOSED_S, CRASHED_S, FLUSHED_S, TYPING_S = 5.0, 60.0, 60.0, 6.0
MARGIN_S = 2.0
"""What a busy machine adds to the time of what is typed."""
POLL_S = 0.1


class Watcher:
    """A socket that watches users and a group; what it was told last, and when."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.typing: dict[str, bool] = {}
        self.online: list[str] = []
        """Whom `user-online` named, in order."""

    def hear(self, event: str, data: Any = None) -> None:
        if event == "presence-update":
            self.states[data["user_id"]] = data["state"]
        elif event == "user-online":
            self.online.append(data["user_id"])
        elif event in ("typing", "stop-typing"):
            self.typing[data["data"]["typing"]["user_id"]] = event == "typing"


class Site:
    def __init__(self, cluster: Cluster, clients: Clients, watching: User, users: Sequence[User], group: str) -> None:
        self.cluster, self.clients, self.watching, self.users, self.group = cluster, clients, watching, users, group
        self.watcher = Watcher()
        self.broken: list[str] = []

    @property
    def ids(self) -> list[str]:
        return [user.id for user in self.users]

    async def open(self, user: User, facade: Node, heard: Callable[[str, Any], None] | None = None) -> Light:
        where = urlsplit(facade.http)
        assert where.hostname is not None
        assert where.port is not None
        return await connect(where.hostname, where.port, {"token": user.token}, heard or _ignore)

    async def watch(self, facade: Node) -> Light:
        light = await self.open(self.watching, facade, self.watcher.hear)
        ack = await light.ask("subscribe", {"presence": self.ids})
        assert ack["ok"], ack
        self.watcher.states.update({item["user_id"]: item["state"] for item in ack["data"]["items"]})
        return light

    async def asked(self) -> dict[str, str]:
        """How everybody is, as REST says."""
        body, headers = {"ids": self.ids}, self.watching.headers
        answer = await self.clients.rest.post("/api/presence:batchGet", json=body, headers=headers)
        if answer.status_code != 200:
            return {}
        return {item["user_id"]: item["state"] for item in answer.json()["items"]}

    @asynccontextmanager
    async def all_there(self, facades: Sequence[Node]) -> AsyncIterator[dict[str, Light]]:
        """Everybody has a socket at one of these facades."""
        lights = {user.id: await self.open(user, random.choice(facades)) for user in self.users}
        try:
            await self.until("all are shown online", CLOSED_S, lambda: self._told("online"))
            yield lights
        finally:
            for light in lights.values():
                light.transport.abort()

    def _told(self, state: str) -> bool:
        return all(self.watcher.states.get(id_) == state for id_ in self.ids)

    async def until(self, what: str, within_s: float, holds: Callable[[], bool]) -> None:
        """Waits, and prints how long it took; it is broken when it took too long."""
        began = time.perf_counter()
        while not holds() and time.perf_counter() - began < within_s * 2:
            await asyncio.sleep(POLL_S)
        took = time.perf_counter() - began
        print(f"{what:60} {took:6.1f} s (at most {within_s:.0f})", flush=True)
        if took > within_s or not holds():
            self.broken.append(f"{what}: {took:.1f} s; told {self.watcher.states}")

    async def until_asked(self, what: str, within_s: float, state: str) -> None:
        """The same of what REST says."""
        began, found = time.perf_counter(), await self.asked()
        while set(found.values()) != {state} and time.perf_counter() - began < within_s * 2:
            await asyncio.sleep(POLL_S)
            found = await self.asked()
        took = time.perf_counter() - began
        print(f"{what:60} {took:6.1f} s (at most {within_s:.0f})", flush=True)
        if took > within_s or set(found.values()) != {state}:
            self.broken.append(f"{what}: {took:.1f} s; {found}")

    async def stay_as(self, state: str, seconds: float) -> None:
        """For so long REST says the same of all."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            found = await self.asked()
            if set(found.values()) != {state}:
                self.broken.append(f"not all stay {state}: {found}")
                return
            await asyncio.sleep(1)
        print(f"for {seconds:.0f} s all stayed {state}", flush=True)


def _ignore(_event: str, _data: Any = None) -> None:
    """Nobody looks at what this one is told."""


async def closed(site: Site) -> None:
    """All leave in order."""
    async with site.all_there(site.cluster.facades) as lights:
        await site.until_asked("online, asked", CLOSED_S, "online")
        await asyncio.gather(*(light.leave() for light in lights.values()))
        await site.until("left in order: told offline", CLOSED_S, lambda: site._told("offline"))
    await site.until_asked("left in order: asked", CLOSED_S, "offline")


async def typed(site: Site) -> None:
    """Who is typing dies."""
    async with site.all_there(site.cluster.facades) as lights:
        for light in lights.values():
            await light.ask("typing", {"conversation_id": site.group})
        typing = site.watcher.typing
        await site.until("typing is told", CLOSED_S, lambda: all(typing.get(id_) for id_ in site.ids))
        for light in lights.values():
            light.cut()
        within = TYPING_S + MARGIN_S
        await site.until("typed and died: told that it ended", within, lambda: not any(typing.values()))


async def flushed(site: Site, store: "redis.asyncio.Redis", seconds: float) -> None:
    """Redis forgets everything; for so long nobody who is there is shown as gone afterwards."""
    async with site.all_there(site.cluster.facades) as lights:
        await store.flushall()
        gone = lights.pop(site.users[0].id)
        site.users = site.users[1:]
        await gone.leave()
        await site.until_asked("flushed: asked, those who are there are online", FLUSHED_S, "online")
        await site.stay_as("online", seconds)
        await asyncio.gather(*(light.leave() for light in lights.values()))
        await site.until_asked("flushed, then left in order: asked", CLOSED_S, "offline")
    await site.until("flushed, then left in order: told offline", CLOSED_S, lambda: site._told("offline"))


async def crashed(site: Site) -> None:
    """The facade of all is killed."""
    facade = site.cluster.facades[-1]
    async with site.all_there([facade]):
        await asyncio.to_thread(facade.stop, signal.SIGKILL)
        await site.until("facade killed: told offline", CRASHED_S, lambda: site._told("offline"))
        await site.until_asked("facade killed: asked", CLOSED_S, "offline")
    await asyncio.to_thread(facade.start)


async def run(cluster: Cluster, url: str, seconds: float) -> list[str]:
    async with AsyncExitStack() as stack:
        clients = await stack.enter_async_context(open_clients(cluster.facades[0].http, cluster.user.grpc))
        store = redis.asyncio.Redis.from_url(url)
        stack.push_async_callback(store.aclose)
        watching, users = await clients.register("watcher"), [await clients.register(f"user{n}") for n in range(USERS)]
        site = Site(cluster, clients, watching, users, await clients.group(watching, *users))
        watcher = await site.watch(cluster.facades[0])
        await closed(site)
        await typed(site)
        await site.until("all gone: told offline", CRASHED_S, lambda: site._told("offline"))
        if seconds >= LEASES_S:
            await crashed(site)
        await flushed(site, store, seconds)
        site.users = users
        site.watcher.online.clear()
        await site.stay_as("offline", seconds)
        if site.watcher.online:
            site.broken.append(f"ghosts came online: {site.watcher.online}")
        await watcher.leave()
    return site.broken


@contextmanager
def own_redis(folder: Path) -> Iterator[str]:
    """A Redis that nobody else uses, and that keeps nothing."""
    host, port = "127.0.0.1", reserve_port()
    command = ["redis-server", "--bind", host, "--port", str(port), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://{host}:{port}/0"
    finally:
        process.terminate()
        process.wait()


def main(seconds: float) -> int:
    if shutil.which("redis-server") is None:
        print("not tried: no redis-server")
        return 0
    with TemporaryDirectory() as folder, own_redis(Path(folder)) as url:
        cluster = Cluster(Path(folder) / "data", {"CHAT_PRESENCE_URL": url}, presences=2)
        with cluster.running():
            broken = asyncio.run(run(cluster, url, seconds))
        print("logged: " + ", ".join(f"{count} times {what}" for what, count in cluster.errors().most_common()))
    print(*broken[:20], sep="\n")
    print(f"{len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else LEASES_S))

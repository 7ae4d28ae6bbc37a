"""Many devices of some users in groups, and whether they have what is stored."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

from tests.acceptance.followers import Follower, Urls
from tests.acceptance.history import Entry, missed
from tests.acceptance.kill9 import last_positions, stored
from tests.e2e.clients import Clients, User

AT_ONCE = 50
PRESENT_S = 60.0


async def gather_crowd(
    clients: Clients, speaker: User, urls: Urls, *, sockets: int, devices: int, users_each: int
) -> list[Follower]:
    """So many sockets, so many for each user; so many users in each group, where the speaker is too."""
    users = [await clients.register(f"user{n}") for n in range(sockets // devices)]
    found = []
    for first in range(0, len(users), users_each):
        members = users[first : first + users_each]
        group = await clients.group(speaker, *members)
        found += [
            Follower(f"{user.username[:8]}.{device}", user, [group], urls)
            for user in members
            for device in range(devices)
        ]
    return found


@asynccontextmanager
async def present(followers: Sequence[Follower], within_s: float = PRESENT_S) -> AsyncIterator[None]:
    """They are there, and have what they missed; who loses the connection comes back. Raises TimeoutError."""
    lives: list[asyncio.Task[None]] = []
    try:
        for first in range(0, len(followers), AT_ONCE):
            some = followers[first : first + AT_ONCE]
            lives += [asyncio.create_task(follower.live()) for follower in some]
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(follower.up.wait() for follower in some))
        yield
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        for follower in followers:
            if follower.light is not None:
                follower.light.cut()
            follower.leave()


class Verdict:
    """Compares what followers have with what is stored."""

    def __init__(self, last: Mapping[str, int], found: Sequence[Entry]) -> None:
        self._last = last
        self._messages: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
        for entry in found:
            self._messages[entry.conversation_id].append((entry.seq, entry.id, entry.text))
        self.figures = Counter[str](missed=0, duplicated=0, reordered=0)

    def has_all(self, follower: Follower) -> bool:
        return not missed(follower.seen, {group: self._last[group] for group in follower.groups})

    async def wait(self, followers: Sequence[Follower]) -> None:
        """Returns when they have all. Raises TimeoutError."""
        async with asyncio.timeout(PRESENT_S):
            while not all(map(self.has_all, followers)):
                await asyncio.sleep(0.1)

    def judge(self, follower: Follower) -> list[str]:
        """What is wrong with what it has; it counts in the figures."""
        broken = list(follower.broken)
        for log, seen in follower.seen.items():
            last = self._last.get(log, max(seen, default=0))
            first_seen = list(dict.fromkeys(seen))
            wrong = {
                "missed": last - len(first_seen),
                "duplicated": len(seen) - len(first_seen),
                "reordered": sum(a > b for a, b in pairwise(first_seen)),
            }
            self.figures.update(wrong)
            if any(wrong.values()):
                broken.append(f"{follower.name} in {log}: {wrong}")
        if any(follower.messages[group] != self._messages[group] for group in follower.groups):
            broken.append(f"{follower.name} has other messages than there are")
        return broken

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self.figures.items())


async def read_verdict(clients: Clients, speaker: User, followers: Sequence[Follower]) -> tuple[Verdict, list[Entry]]:
    """What is stored now in all groups of theirs."""
    groups = sorted({group for follower in followers for group in follower.groups})
    last = await last_positions(clients, speaker, groups)
    found = await stored(clients, speaker, groups)
    return Verdict(last, found), found

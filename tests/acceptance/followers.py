"""Clients that come back: each knows its place, resumes from it anywhere, syncs when told to, and writes meanwhile."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from tests.acceptance.history import Entry
from tests.acceptance.light import Light, Refused, connect
from tests.e2e.clients import User

ANSWER_S, RETRY_S = 6.0, 0.3
PASSING = (429, 499, 503, 504)
"""Of problems that pass."""

Urls = Callable[[], Sequence[str]]


class Follower:
    """One device of a user, in `groups`. `urls` are the facades to choose from."""

    def __init__(self, name: str, user: User, groups: Sequence[str], urls: Urls) -> None:
        self.name, self.user, self.groups, self._urls = name, user, groups, urls
        self.receive_bytes = 0
        """What its kernel keeps for it before it is read; 0 for the usual."""
        self.light: Light | None = None
        self.url = ""
        """Of the facade that it is at, or was last."""
        self.up = asyncio.Event()
        """Set while it is connected and has what it missed."""
        self.seen: dict[str, list[int]] = defaultdict(list)
        """By conversation the positions, and by its own id those of the user's log, in the order they came."""
        self.messages: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
        """By conversation, number, id and text of the messages, in the order they came."""
        self.on_message: Callable[[Mapping[str, Any]], None] | None = None
        self.tries: list[float] = []
        self.ups: list[float] = []
        """When it tried to connect, and when it had what it missed, on the clock of `perf_counter`."""
        self.heard: Counter[str] = Counter()
        """How often something happened that is no change."""
        self.wait_s: float | None = None
        """How long the server asks it to stay away."""
        self.attempted: set[str] = set()
        self.acked: list[Entry] = []
        self.unanswered = 0
        self.broken: list[str] = []
        self._held: list[Mapping[str, Any]] | None = None
        """Changes that came while it syncs."""
        self._syncing: asyncio.Task[None] | None = None
        self._numbers = 0

    @property
    def place(self) -> dict[str, Any]:
        """Where it stands. Logs that it has nothing of are named too: it wants them from their beginning."""
        own = self.seen[self.user.id]
        positions = {group: self.seen[group][-1] if self.seen[group] else 0 for group in self.groups}
        return {"user_pos": own[-1] if own else 0, "positions": positions}

    async def come(self) -> bool:
        """Connects to one of the facades and resumes; False when that one does not take it now."""
        url = random.choice(self._urls())
        self.tries.append(time.perf_counter())
        where = urlsplit(url)
        assert where.hostname is not None
        assert where.port is not None
        auth = {"token": self.user.token, "resume": self.place}
        try:
            self.light = await connect(where.hostname, where.port, auth, self._hear, receive_bytes=self.receive_bytes)
        except Refused as refusal:
            self.heard[f"refused: {refusal.problem.get('code', refusal)}"] += 1
            if refusal.problem.get("status", 503) not in PASSING:
                self.broken.append(f"{self.name} was refused: {refusal.problem}")
            return False
        except (OSError, TimeoutError):
            self.heard["unreachable"] += 1
            return False
        self.url = url
        self.heard["connected"] += 1
        return True

    async def stay(self, seconds: float) -> bool:
        """Stays for so long; False when the connection ended before."""
        assert self.light is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.light.gone.wait()
                return False
        return True

    def leave(self) -> None:
        """Has no connection from now on."""
        self.up.clear()
        self.light = self._held = None
        if self._syncing is not None:
            self._syncing.cancel()

    async def retreat(self) -> None:
        """Waits as long as the server said, or else a moment."""
        wait_s, self.wait_s = self.wait_s, None
        await asyncio.sleep(random.uniform(0.05, RETRY_S) if wait_s is None else wait_s)

    async def live(self) -> None:
        """Comes, and comes back, until it is cancelled."""
        while True:
            if await self.come():
                assert self.light is not None
                await self.light.gone.wait()
            self.leave()
            await self.retreat()

    async def say(self, group: str) -> None:
        """Writes one message, again and again until it is acknowledged."""
        self._numbers += 1
        key = f"{self.name}-{self._numbers}"
        message = {"conversation_id": group, "client_msg_id": key, "text": f"{key} to you"}
        self.attempted.add(key)
        while True:
            await self.up.wait()
            light = self.light
            if light is None:  # It hears of the resume before it has the connection.
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(ANSWER_S):
                    ack = await light.ask("send-message", message)
            except (ConnectionError, TimeoutError):
                ack = None
            if ack is None:
                self.unanswered += 1
                await asyncio.sleep(0.05)
            elif ack["ok"]:
                stored = ack["data"]
                self.acked.append(Entry(group, stored["seq"], stored["id"], key, stored["text"]))
                return
            elif ack["problem"]["status"] in PASSING:
                self.heard[f"refused for now: {ack['problem']['code']}"] += 1
                await asyncio.sleep(RETRY_S)
            else:
                self.broken.append(f"{key} was refused: {ack['problem']}")
                return

    def _hear(self, event: str, data: Any = None) -> None:
        if isinstance(data, dict) and data.get("event_id"):
            if self._held is None:
                self._apply(data)
            else:
                self._held.append(data)
            return
        self.heard[f"{event}: {data['code']}" if event == "resume-failed" else event] += 1
        if event == "resumed":
            self._has_all()
        elif event == "resync-required":
            self._held = []
            self._syncing = asyncio.create_task(self._sync())
        elif event == "server-draining":
            self.wait_s = data["reconnect_after_ms"] / 1000
            self.up.clear()  # Nothing new is sent to who is leaving.

    def _apply(self, change: Mapping[str, Any]) -> None:
        if change.get("user_pos"):
            self.seen[self.user.id].append(change["user_pos"])
            return
        conversation = change["conversation_id"]
        self.seen[conversation].append(change["pos"])
        if change["type"] == "message-new":
            message = change["data"]["message"]
            self.messages[conversation].append((message["seq"], message["id"], message["text"]))
            if self.on_message is not None:
                self.on_message(message)

    async def _sync(self) -> None:
        more = True
        while more:
            assert self.light is not None
            try:
                ack = await self.light.ask("sync", {**self.place, "limit": 500})
            except ConnectionError:
                return
            if ack["ok"]:
                more = ack["data"]["has_more"]
                for change in ack["data"]["events"]:
                    self._apply(change)
            elif ack["problem"]["status"] in PASSING:
                await asyncio.sleep(RETRY_S)
            else:
                self.broken.append(f"{self.name} could not sync: {ack['problem']}")
                return
        held, self._held = self._held or [], None
        place = self.place
        for change in held:
            if change.get("user_pos"):
                is_new = change["user_pos"] > place["user_pos"]
            else:
                is_new = change["pos"] > place["positions"].get(change["conversation_id"], 0)
            if is_new:
                self._apply(change)
        self.heard["synced"] += 1
        self._has_all()

    def _has_all(self) -> None:
        self.ups.append(time.perf_counter())
        self.up.set()

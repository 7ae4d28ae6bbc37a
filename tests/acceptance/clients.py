"""Unmodified Socket.IO clients of four languages talk to a server and to each other, over each transport.

Run as `python -m tests.acceptance.clients [seconds of silence] [language …]`. What is not installed is not tried; with
CI=true JavaScript and Python must be. It ends with 1 when anything does not hold.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from tests.acceptance.official.door import Door
from tests.acceptance.official.programs import PROGRAMS, Program
from tests.acceptance.official.running import Device, Running, start
from tests.e2e import conftest
from tests.e2e.clients import Clients, User, open_clients, send_rest

QUIET_S = 50.0
"""Longer than a ping and the time to answer it: who does not answer pings is gone by then."""
MESSAGES, MISSED = 20, 5
TRANSPORTS: Mapping[str, Sequence[str]] = {
    "websocket": ["websocket"],
    "polling": ["polling"],
    "upgrade": ["polling", "websocket"],
}
REQUIRED_IN_CI = ("JavaScript", "Python")
ALPHABETS = 'Grüße, мир, 世界, עולם, नमस्ते, 👩‍👩‍👧 \u2028 \\ " é'
LARGE = "🦜" * 10_000
"""As long as a text may be: 40 kB as it is, 120 kB as a client that escapes sends it."""
LARGE_ANSWER = 100_000


class Site:
    """What is the same for all: a group that everybody is in, and somebody who speaks by REST."""

    def __init__(self, clients: Clients, speaker: User, group: str, target: str) -> None:
        self.clients, self.speaker, self.group, self.target = clients, speaker, group, target
        self.history: list[tuple[int, str]] = []
        """All messages: number and text."""

    async def say(self, text: str) -> None:
        await send_rest(self.clients, self.speaker, conversation_id=self.group, text=text)

    async def read(self) -> None:
        """Reads the history anew."""
        found: list[tuple[int, str]] = []
        query = {"conversation_id": self.group, "limit": "100", "after_seq": "0"}
        while True:
            headers = self.speaker.headers
            page = (await self.clients.rest.get("/api/messages", params=query, headers=headers)).raise_for_status()
            found += [(item["seq"], item["text"]) for item in page.json()["items"]]
            if not page.json()["page"]["has_more"]:
                self.history = found
                return
            query = {"conversation_id": self.group, "limit": "100", "cursor": page.json()["page"]["next_cursor"]}


class Subject:
    """A client on a transport, and how far it came."""

    def __init__(self, site: Site, running: Running, program: str, transport: str, user: User, door: Door) -> None:
        self.site, self.program, self.transport, self.user, self.door = site, program, transport, user, door
        self.url = ""
        self.device: Device = running.device(f"{program} {transport}")
        self.stranger: Device = running.device(f"{program} {transport} stranger")
        self.outcomes: dict[str, str] = {}

    @property
    def received(self) -> list[tuple[int, str]]:
        return [(data["seq"], data["data"]["message"]["text"]) for data in self.device.named("message-new")]

    async def has_all(self) -> None:
        """Waits until it received the whole history. Raises AssertionError when it is not the same, or takes long."""
        with suppress(TimeoutError):
            await self.device.until(lambda: len(self.received) >= len(self.site.history))
        expected, found = self.site.history, self.received
        at = next((n for n, (a, b) in enumerate(zip(expected, found, strict=False)) if a != b), len(found))
        assert found == expected, f"{len(found)} of {len(expected)} messages, differs at {at}"

    async def travels_as_wanted(self) -> None:
        """Waits until it used its transports. Raises AssertionError when it used others."""
        wanted = set(TRANSPORTS[self.transport])
        for _ in range(200):
            if self.door.transports == wanted:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"it travels by {self.door.transports}")

    async def send(self, text: str) -> dict[str, Any]:
        ack = await self.device.emit("send-message", {"conversation_id": self.site.group, "text": text})
        assert ack["ok"], ack["problem"]
        stored: dict[str, Any] = ack["data"]
        assert stored["text"] == text, "another text was stored"
        return stored


async def refused(subject: Subject) -> None:
    """A token that is none is refused, with the reason."""
    await subject.stranger.connect(subject.url, {"token": "nobody"}, TRANSPORTS[subject.transport])
    problem = await subject.stranger.told("$refused")
    assert "TOKEN_INVALID" in str(problem), problem


async def hello(subject: Subject) -> None:
    """Connects by its transport, and by no other; is greeted."""
    subject.door.transports.clear()
    await subject.device.connect(subject.url, {"token": subject.user.token}, TRANSPORTS[subject.transport])
    greeting = await subject.device.told("hello")
    assert greeting["user_id"] == subject.user.id
    assert greeting["positions"] == {subject.site.group: 1}
    await subject.travels_as_wanted()


async def sends(subject: Subject) -> None:
    """Each message is acknowledged."""
    numbers = [(await subject.send(f"{subject.program} {subject.transport} {n}"))["seq"] for n in range(MESSAGES)]
    assert numbers == sorted(set(numbers)), numbers


async def receives(subject: Subject) -> None:
    """What everybody sent came, in order, once."""
    await subject.has_all()


async def texts(subject: Subject) -> None:
    """Alphabets, the longest text, and an answer that is larger than a frame may be."""
    await subject.send(ALPHABETS)
    await subject.send(LARGE)
    page = await subject.device.emit("sync", {"positions": {subject.site.group: 0}, "limit": 500})
    assert len(str(page).encode()) > LARGE_ANSWER, "the answer was small"
    stored = [event["data"]["message"]["text"] for event in page["data"]["events"] if event["type"] == "message-new"]
    assert ALPHABETS in stored
    assert LARGE in stored


async def unknown(subject: Subject) -> None:
    """An event that there is not is acknowledged with its problem; so is a request that is not valid."""
    ack = await subject.device.emit("no-such-event", {"any": "thing"})
    assert (ack["ok"], ack["problem"]["code"]) == (False, "UNKNOWN_EVENT"), ack
    ack = await subject.device.emit("send-message", {"conversation_id": subject.site.group, "txt": "typo"})
    assert (ack["ok"], ack["problem"]["status"]) == (False, 400), ack


async def pings(subject: Subject) -> None:
    """Nothing happens for long, and the connection stands."""
    await asyncio.sleep(QUIET_S)
    lost = subject.device.named("$disconnect") + subject.device.named("$refused")
    assert not lost, lost
    await subject.send("still here")


async def drops(subject: Subject) -> None:
    """The connection is cut: the client comes back by itself, with the place it reached."""
    changes = [data for _, data in subject.device.events if isinstance(data, dict)]
    place = {
        "user_pos": max(data.get("user_pos", 0) for data in changes),
        "positions": {subject.site.group: max(data.get("pos", 0) for data in changes)},
    }
    await subject.device.connect_again_with({"token": subject.user.token, "resume": place})
    await subject.door.shut()


async def resumes(subject: Subject) -> None:
    """What it missed came, in order, once."""
    subject.door.transports.clear()
    subject.door.open()
    resumed = await subject.device.told("resumed")
    assert resumed["replayed"] == MISSED, resumed
    await subject.has_all()
    await subject.travels_as_wanted()


async def back(subject: Subject) -> None:
    """It can write as before."""
    await subject.send("back again")


async def is_ended(subject: Subject) -> None:
    """The session is ended: the client is told, is disconnected by the server, and stays so."""
    events = len(subject.device.events)
    (
        await subject.site.clients.rest.post("/api/users/logout", json={}, headers=subject.user.headers)
    ).raise_for_status()
    told = await subject.device.told("session-revoked", events)
    assert told["code"] == "SESSION_REVOKED", told
    await subject.device.told("$disconnect", events)
    await asyncio.sleep(3)
    assert not subject.device.named("$connect", events), "it connected again"


Step = Callable[[Subject], Awaitable[None]]
FAILED, HOLDS, NOT_TRIED = "FAILED", "ok", "-"


async def each(subjects: Sequence[Subject], step: Step) -> list[str]:
    """A step of all who came so far, side by side; what is broken."""
    broken = []

    async def one(subject: Subject) -> None:
        if FAILED in subject.outcomes.values():
            subject.outcomes.setdefault(step.__name__, NOT_TRIED)
            return
        try:
            async with asyncio.timeout(QUIET_S + 60):
                await step(subject)
            subject.outcomes[step.__name__] = HOLDS
        except Exception as error:
            subject.outcomes[step.__name__] = FAILED
            last = [name for name, _ in subject.device.events[-3:]]
            broken.append(f"{subject.program} by {subject.transport}, {step.__name__}: {error!r:.500}, after {last}")

    await asyncio.gather(*[one(subject) for subject in subjects])
    return broken


async def converse(site: Site, subjects: Sequence[Subject]) -> list[str]:
    broken = []
    for step in (refused, hello, sends, None, receives, texts, None, receives, unknown, pings, None, receives, drops):
        broken += await each(subjects, step) if step else []
        if step is None:
            await site.read()
    for number in range(MISSED):
        await site.say(f"missed {number}")
    for step in (None, resumes, back, None, receives, is_ended):
        broken += await each(subjects, step) if step else []
        if step is None:
            await site.read()
    return broken


async def sockets_left(server: conftest.Server) -> str:
    """The line of the metrics that counts open sockets."""
    async with httpx2.AsyncClient() as admin:
        metrics = (await admin.get(f"{server.admin}/metrics")).text
    return next(line for line in metrics.splitlines() if line.startswith("chat_sockets"))


def show(subjects: Sequence[Subject]) -> None:
    names = list(subjects[0].outcomes)
    print("".join([f"\n{'':22}", *(f"{name:>10}" for name in names)]))
    for subject in subjects:
        outcomes = (f"{subject.outcomes[name]:>10}" for name in names)
        print(f"{subject.program:11}{subject.transport:11}" + "".join(outcomes))


async def run(server: conftest.Server, commands: Mapping[str, Sequence[str | Path]]) -> list[str]:
    async with AsyncExitStack() as stack:
        clients = await stack.enter_async_context(open_clients(server.http, server.grpc))
        speaker = await clients.register("speaker")
        pairs = [(p.name, transport) for p in PROGRAMS if p.name in commands for transport in p.transports]
        users = [await clients.register(program.lower()) for program, _ in pairs]
        group = await clients.group(speaker, *users)
        site = Site(clients, speaker, group, server.http.removeprefix("http://"))
        running = {name: await stack.enter_async_context(start(command)) for name, command in commands.items()}
        subjects = []
        for (program, transport), user in zip(pairs, users, strict=True):
            door = Door(site.target)
            subject = Subject(site, running[program], program, transport, user, door)
            subject.url = await stack.enter_async_context(door.listen())
            subjects.append(subject)
        broken = await converse(site, subjects)
        show(subjects)
        print(f"{len(site.history)} messages, each to {len(subjects)} clients; at the end {await sockets_left(server)}")
        return broken


def built(programs: Sequence[Program]) -> tuple[dict[str, Sequence[str | Path]], list[str]]:
    """The commands that start what can be built here, and what is missing although it must not be."""
    commands, broken = {}, []
    for program in programs:
        if program.missing:
            print(f"{program.name:11}not tried: no {', '.join(program.missing)}")
            if os.environ.get("CI") == "true" and program.name in REQUIRED_IN_CI:
                broken.append(f"{program.name} must be tried")
        else:
            commands[program.name] = program.build()
    return commands, broken


def main(languages: Sequence[str]) -> int:
    commands, broken = built([program for program in PROGRAMS if not languages or program.name in languages])
    with TemporaryDirectory() as folder:
        server = conftest.start(Path(folder) / "data")
        try:
            broken += asyncio.run(run(server, commands))
        finally:
            server.stop()
    print(*broken, sep="\n")
    print(f"{len(commands)} clients: {len(broken)} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        QUIET_S = float(sys.argv[1])
    sys.exit(main(sys.argv[2:]))

"""Two facades and the services behind them share one Redis, and together let pass what the policies allow, no more.

Run as `python -m tests.acceptance.limits`, with CHAT_TEST_REDIS_URL. It ends with 1 when a figure is missed.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import grpc
import httpx2

from chat.message.v1.message_service_pb2 import SendMessageRequest
from tests.e2e.clients import PASSWORD, Clients, Socket, User, open_clients
from tests.e2e.conftest import ROOT

RUN_S = 12.0
WITHIN = 0.02
RATES = {"edge": (30, 60), "read": (15, 30), "send": (15, 30)}
"""Calls a second and at once, for one user."""
TRIES = 12
LIMITS = ",".join(
    (
        "off",
        *(f"{name}.user={rate}/s:{burst}" for name, (rate, burst) in RATES.items()),
        "write.user=1/3s:5",
        f"login.account={TRIES}/h",
    )
)
Try = Callable[[], Awaitable[bool]]
"""Makes one call; whether it passed. Raises what is neither a success nor a refusal."""


class Wire:
    """A way to Redis that can be cut without anybody noticing: connections stay open, and nothing comes through."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.open = asyncio.Event()
        self.open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        try:
            port = server.sockets[0].getsockname()[1]
            yield self._target._replace(netloc=f"127.0.0.1:{port}").geturl()
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._carry(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await self.open.wait()
                sink.write(data)
                await sink.drain()
        sink.close()


@contextmanager
def serving(part: str, data: Path, **settings: str) -> Iterator[str]:
    """`chat serve` of one part, in a process of its own; what it says when it is ready."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(path) for path in (ROOT, ROOT / "gen")),
        "CHAT_DATA": str(data),
        **dict.fromkeys(("CHAT_HTTP", "CHAT_GRPC", "CHAT_ADMIN"), "127.0.0.1:0"),
        "CHAT_LIMITS": LIMITS,
        **settings,
    }
    command = [sys.executable, "-m", "cli.main", "serve", part]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = ""
        while "admin " not in said:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{part} ended: {said}")
            said += line
        yield said
    finally:
        process.terminate()
        process.communicate(timeout=30)


def found(pattern: str, said: str) -> str:
    match = re.search(pattern, said, re.MULTILINE)
    assert match, said
    return match[1]


@contextmanager
def system(data: Path, redis: str) -> Iterator[tuple[list[str], str]]:
    """The URLs of two facades, and where the message service listens."""
    with ExitStack() as stack:

        def target(part: str, **settings: str) -> str:
            said = stack.enter_context(serving(part, data, CHAT_LIMITS_URL=redis, **settings))
            return "ipv4:" + found(r"^grpc +(\S+)$", said)

        user = target("user")
        message = target("message", CHAT_USER_ADDRESS=user)
        where = {"CHAT_USER_ADDRESS": user, "CHAT_MESSAGE_ADDRESS": message, "CHAT_LIMITS_URL": redis}
        urls = [found(r"ready: (\S+)", stack.enter_context(serving("facade", data, **where))) for _ in range(2)]
        yield urls, message


@dataclass(frozen=True, slots=True)
class Run:
    """What came of many calls at the same time: those that passed, all that were made, and how long it took."""

    passed: int
    made: int
    seconds: float

    def check(self, name: str) -> list[str]:
        """What is wrong."""
        rate, burst = RATES[name]
        allowed = burst + rate * self.seconds
        error = self.passed / allowed - 1
        print(
            f"{name:6} {self.passed:5,} of {self.made:6,} passed in {self.seconds:5.2f} s; "
            f"{burst} + {rate}/s allow {allowed:7.1f}: {error:+.2%}",
            flush=True,
        )
        broken = []
        if abs(error) > WITHIN:
            broken.append(f"{name}: {error:+.2%} beside what is allowed")
        if self.made < 1.2 * allowed:
            broken.append(f"{name}: too few calls were made to tell")
        return broken


async def press(tries: Sequence[Try]) -> Run:
    """Each tries again as soon as it was answered, until the time is over."""
    started = time.perf_counter()

    async def go_on(attempt: Try) -> tuple[int, int]:
        passed = made = 0
        while time.perf_counter() - started < RUN_S:
            passed += await attempt()
            made += 1
        return passed, made

    counted = await asyncio.gather(*[go_on(attempt) for attempt in tries])
    passed, made = (sum(column) for column in zip(*counted, strict=True))
    return Run(passed, made, time.perf_counter() - started)


def rest_try(clients: Clients, user: User, path: str, status: int) -> Try:
    async def attempt() -> bool:
        answer = await clients.rest.get(path, headers=user.headers)
        if answer.status_code not in (status, 429):
            raise RuntimeError(answer.text)
        return answer.status_code == status

    return attempt


def socket_try(socket: Socket, group: str) -> Try:
    async def attempt() -> bool:
        ack = await socket.ask("send-message", {"conversation_id": group, "text": "hello"})
        if not ack["ok"] and ack["problem"]["code"] != "RATE_LIMITED":
            raise RuntimeError(str(ack["problem"]))
        return bool(ack["ok"])

    return attempt


def grpc_try(clients: Clients, user: User, group: str) -> Try:
    async def attempt() -> bool:
        request = SendMessageRequest(conversation_id=group, text="hello")
        try:
            await clients.messages.SendMessage(request, metadata=user.metadata)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            return False
        return True

    return attempt


async def rates(facades: Sequence[Clients]) -> list[str]:
    """Pressed as hard as it goes over both facades, each class lets pass what it allows; what is broken."""
    broken = []
    users = [await facades[0].register(name) for name in RATES]
    at_edge = [rest_try(clients, users[0], "/api/nothing", 404) for clients in facades for _ in range(4)]
    broken += (await press(at_edge)).check("edge")
    reads = [rest_try(clients, users[1], "/api/users/me", 200) for clients in facades for _ in range(4)]
    broken += (await press(reads)).check("read")
    group = await facades[0].group(users[2])
    sockets = [await clients.connect(users[2]) for clients in facades for _ in range(2)]
    sends = [*(socket_try(socket, group) for socket in sockets), grpc_try(facades[0], users[2], group)]
    broken += (await press(sends)).check("send")
    return broken


async def prediction(facades: Sequence[Clients]) -> list[str]:
    """Asked in turn by both facades: nothing left is followed by a refusal, its wait by a success; what is broken."""
    user, broken = await facades[0].register("predicted"), []
    calls = 0

    async def rename() -> httpx2.Response:
        nonlocal calls
        calls += 1
        rest = facades[calls % 2].rest
        return await rest.patch("/api/users/me", json={"full_name": f"Name {calls}"}, headers=user.headers)

    told, answer = [], await rename()
    while answer.status_code == 200:
        told.append(int(answer.headers["x-ratelimit-remaining"]))
        answer = await rename()
    print(f"remaining, as told by both facades in turn: {told}, then {answer.status_code}", flush=True)
    if told != [4, 3, 2, 1, 0]:
        broken.append(f"remaining was told as {told}")
    for header in (True, False, True):
        wait_s = float(answer.headers["retry-after"]) if header else answer.json()["retry_after_s"]
        await asyncio.sleep(wait_s)
        retried = await rename()
        kind = "Retry-After" if header else "retry_after_s"
        print(f"after {kind} of {wait_s:g} s: {retried.status_code}", flush=True)
        if retried.status_code != 200:
            broken.append(f"a retry after {wait_s:g} s was answered with {retried.status_code}")
        answer = await rename()
        if answer.status_code != 429:
            broken.append(f"nothing was left, and the next call was answered with {answer.status_code}")
    return broken


async def outage(facades: Sequence[Clients], wire: Wire) -> list[str]:
    """With Redis silent, log-ins are still limited and everything else goes on; what is broken."""
    user = await facades[0].register("careful")
    wire.open.clear()
    codes, slowest_s = [], 0.0
    login = {"username": user.username, "password": PASSWORD}
    for number in range(3 * TRIES):
        started = time.perf_counter()
        codes.append((await facades[number % 2].rest.post("/api/users/login", json=login)).status_code)
        slowest_s = max(slowest_s, time.perf_counter() - started)
    tried = codes.count(200)
    me = (await facades[1].rest.get("/api/users/me", headers=user.headers)).status_code
    print(f"Redis silent: {tried} of {len(codes)} log-ins passed, {TRIES} may; the slowest answer took", end=" ")
    print(f"{slowest_s:.2f} s; a read: {me}", flush=True)
    wire.open.set()
    broken = [] if 0 < tried <= TRIES else [f"{tried} log-ins passed while Redis was silent"]
    return broken if me == 200 else [*broken, f"a read was answered with {me} while Redis was silent"]


async def run(redis: str) -> list[str]:
    wire = Wire(redis)
    with TemporaryDirectory() as folder:
        async with wire.listen() as url:
            parts = system(Path(folder) / "data", url)
            urls, message = await asyncio.to_thread(parts.__enter__)
            try:
                target = message.removeprefix("ipv4:")
                async with open_clients(urls[0], target) as first, open_clients(urls[1], target) as second:
                    facades = (first, second)
                    return [*await rates(facades), *await prediction(facades), *await outage(facades, wire)]
            finally:
                await asyncio.to_thread(parts.__exit__, None, None, None)


def main() -> int:
    redis = os.environ.get("CHAT_TEST_REDIS_URL", "")
    if not redis:
        print("CHAT_TEST_REDIS_URL names no Redis.", file=sys.stderr)
        return 2
    broken = asyncio.run(run(redis))
    print(*broken, sep="\n")
    print(f"{len(broken)} figures missed")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

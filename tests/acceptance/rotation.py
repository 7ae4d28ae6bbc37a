"""The key that signs access tokens is rotated under load, and no request fails.

Run as `python -m tests.acceptance.rotation [requests]`. User service, message service and facade are processes of their
own; users go on with tokens of the old key while others get those of the new one. It takes some 80 seconds, and ends
with 1 when a request failed.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import httpx2
import jwt

from chat.message.v1.conversation_service_pb2 import ListConversationsRequest
from mesh.call.status import from_rpc_error
from services.user.keys.domain import LEAD
from tests.acceptance.parts import Part, serving
from tests.e2e.clients import PASSWORD, Clients, User, open_clients
from tests.e2e.conftest import ROOT

REQUESTS, CALLERS = 10_000, 4
BEFORE_S, AFTER_S = 3.0, 12.0


class Load:
    """What was asked with which key, and what failed."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[str] = Counter()
        self.late = 0
        """Requests that a machine with too much to do did not answer in time: no key is to blame."""
        self.done = False

    @property
    def total(self) -> int:
        return sum(self.asked.values())

    def fail(self, surface: str, reason: str) -> None:
        if reason == "DEADLINE_EXCEEDED":
            self.late += 1
        else:
            self.failed[f"{surface}: {reason}"] += 1


async def call_on(load: Load, clients: Clients, user: User) -> None:
    """Asks on two surfaces; every few turns with a new session, and in turn with the oldest."""
    tokens = [user.token]
    while not load.done:
        for token in (tokens[0], tokens[-1]):
            kid = jwt.get_unverified_header(token)["kid"]
            await ask_rest(load, clients, kid, token)
            await ask_grpc(load, clients, kid, token)
        if load.total % 10 < CALLERS:
            tokens = [tokens[0], await log_in(load, clients, user)]


async def ask_rest(load: Load, clients: Clients, kid: str, token: str) -> None:
    for path in ("/api/users/me", "/api/messages/conversations"):
        load.asked["REST", kid] += 1
        try:
            answer = await clients.rest.get(path, headers={"Authorization": f"Bearer {token}"})
        except httpx2.HTTPError as error:
            load.fail("REST", type(error).__name__)
        else:
            if answer.status_code != 200:
                load.fail("REST", answer.json()["code"])


async def ask_grpc(load: Load, clients: Clients, kid: str, token: str) -> None:
    load.asked["gRPC", kid] += 1
    try:
        metadata = (("authorization", f"Bearer {token}"),)
        await clients.conversations.ListConversations(ListConversationsRequest(), metadata=metadata)
    except grpc.aio.AioRpcError as error:
        load.fail("gRPC", from_rpc_error(error).reason)


async def log_in(load: Load, clients: Clients, user: User) -> str:
    answer = await clients.rest.post("/api/users/login", json={"username": user.username, "password": PASSWORD})
    if answer.status_code != 200:
        load.fail("log-in", answer.json()["code"])
        return user.token
    return str(answer.json()["access_token"])


def rotate(data: Path, user: Part) -> str:
    """The operator's command."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(path) for path in (ROOT, ROOT / "gen")),
        "CHAT_DATA": str(data),
        "CHAT_USER_ADDRESS": user.grpc,
    }
    command = [sys.executable, "-m", "cli.main", "keys", "rotate"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


async def run(data: Path, user: Part, clients: Clients, requests: int) -> int:
    load = Load()
    users = [await clients.register() for _ in range(CALLERS)]
    callers = [asyncio.create_task(call_on(load, clients, one)) for one in users]
    await asyncio.sleep(BEFORE_S)
    print((await asyncio.to_thread(rotate, data, user)).strip(), flush=True)
    until = time.perf_counter() + LEAD.total_seconds() + AFTER_S
    while load.total < requests or time.perf_counter() < until:
        await asyncio.sleep(0.5)
    load.done = True
    await asyncio.gather(*callers)
    for (surface, kid), count in sorted(load.asked.items()):
        print(f"{surface}  key {kid[:8]}…  {count:,} requests")
    print(*(f"{count} times {what}" for what, count in load.failed.items()), sep="\n")
    keys = {kid for _, kid in load.asked}
    print(f"{load.total:,} requests with {len(keys)} keys: {load.failed.total()} failures, {load.late} too late")
    return 1 if load.failed or len(keys) != 2 else 0


def main(requests: int) -> int:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        data = Path(folder) / "data"
        user = stack.enter_context(serving("user", data))
        message = stack.enter_context(serving("message", data, CHAT_USER_ADDRESS=user.grpc))
        addresses = {"CHAT_USER_ADDRESS": user.grpc, "CHAT_MESSAGE_ADDRESS": message.grpc}
        facade = stack.enter_context(serving("facade", data, **addresses))

        async def load() -> int:
            async with open_clients(facade.http, message.grpc) as clients:
                return await run(data, user, clients, requests)

        return asyncio.run(load())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS))

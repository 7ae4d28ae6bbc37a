"""Two hundred secrets go through a server over every surface, and none is found in its log, traces or metrics.

Run as `python -m tests.acceptance.canaries [users]`. Passwords, tokens, codes, links and texts are used as people use
them, and as they should not: in addresses, in broken bodies, on the wrong call. The log is at its most talkative. It
ends with 1 when a secret is found, or when what is no secret is not.
"""

import asyncio
import re
import secrets
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import grpc
import httpx2
import socketio

from chat.message.v1.message_service_pb2 import SendMessageRequest
from chat.user.v1.account_service_pb2 import GetMeRequest
from chat.user.v1.session_service_pb2 import LoginRequest, RefreshRequest
from tests.e2e.clients import Clients, User, open_clients
from tests.e2e.conftest import Server, start

USERS = 10
ENOUGH = 200
SHORTEST = 12
"""What is shorter stands in a log by chance."""

SAID = {
    "log": "/chat.user.v1.SessionService/Login",
    "traces": "SessionService/Login",
    "metrics": "SessionService/Login",
}
"""What is no secret, and is told."""


@dataclass
class Run:
    """Who is asked, which secrets were used, by kind, and which traces that made."""

    clients: Clients
    secrets: dict[str, str] = field(default_factory=dict)
    traces: set[str] = field(default_factory=set)

    def secret(self, kind: str, value: str = "") -> str:
        """A secret, made up when there is none."""
        value = value or f"canary {secrets.token_hex(12)}"
        assert len(value) >= SHORTEST, kind
        self.secrets[value] = kind
        return value

    async def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "", **options: Any
    ) -> dict[str, Any]:
        """A call over REST, whatever becomes of it."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        options = {"json": body, **options} if body is not None else options
        response = await self.clients.rest.request(method, path, headers=headers, **options)
        self.traces.add(response.headers.get("x-trace-id", ""))
        found: Any = response.json() if response.content and "json" in response.headers["content-type"] else {}
        return dict(found) if isinstance(found, dict) else {}

    async def link(self, email: str) -> str:
        """The token in the last mail to an address."""
        async with asyncio.timeout(10):
            while True:
                mails = (await self.clients.rest.get("/dev/outbox.json")).json()["items"]
                for mail in mails:
                    found = re.search(r"#token=([\w-]+)", mail["text"]) if mail["to"] == email else None
                    if found and found[1] not in self.secrets:
                        return self.secret("link", found[1])
                await asyncio.sleep(0.05)

    def session(self, answer: Mapping[str, Any]) -> User:
        """Keeps the tokens of an answer."""
        self.secret("access token", answer["access_token"])
        self.secret("refresh token", answer["refresh_token"])
        user = answer.get("user", {})
        return User(user.get("id", ""), user.get("username", ""), answer["access_token"])


async def over_rest(run: Run, name: str, email: str) -> tuple[User, str]:
    """An account from its making to a password that was got back; who it is then, and its password."""
    password = run.secret("password")
    await run.ask("POST", "/api/users/register", {"username": name, "email": email, "password": password})
    await run.ask("POST", "/api/users/verify-email", {"token": await run.link(email)})
    await run.ask("POST", "/api/users/login", {"username": name, "password": run.secret("wrong password")})
    opened = await run.ask("POST", "/api/users/login", {"username": name, "password": password})
    user = run.session(opened)
    run.session(await run.ask("POST", "/api/users/token/refresh", {"refresh_token": opened["refresh_token"]}))
    changed = run.secret("changed password")
    change = {"password": password, "new_password": changed}
    await run.ask("POST", "/api/users/password/change", change, token=user.token)
    await run.ask("PUT", "/api/users/me/status", {"text": run.secret("status")}, token=user.token)
    key = await run.ask("POST", "/api/users/me/api-keys", {"name": "canary", "scopes": ["user:read"]}, token=user.token)
    await run.ask("GET", "/api/users/me", token=run.secret("API key", key["secret"]))
    await run.ask("POST", "/api/users/password/forgot", {"email": email})
    again = run.secret("reset password")
    reset = {"token": await run.link(email), "new_password": again}
    await run.ask("POST", "/api/users/password/reset", reset)
    return run.session(await run.ask("POST", "/api/users/login", {"username": name, "password": again})), again


async def second_factor(run: Run, user: User, password: str) -> None:
    """An enrollment that is not finished, and codes that nobody has."""
    enrolled = await run.ask("POST", "/api/users/me/mfa/totp", {"password": password}, token=user.token)
    run.secret("authenticator", enrolled["secret"])
    run.secret("enrollment", enrolled["enrollment"])
    wrong = {"enrollment": enrolled["enrollment"], "code": "000000"}
    await run.ask("POST", "/api/users/me/mfa/verify", wrong, token=user.token)
    code = {"password": password, "code": run.secret("code", secrets.token_hex(8))}
    await run.ask("POST", "/api/users/me/mfa/disable", code, token=user.token)


async def misused(run: Run, user: User) -> None:
    """Secrets where they should not be."""
    for secret in (
        run.secret("made-up token", secrets.token_urlsafe(32)),
        run.secret("made-up key", "ck_" + uuid4().hex),
    ):
        await run.ask("GET", "/api/users/me", token=secret)
        await run.ask("GET", "/api/users/me", params={"access_token": secret})
        await run.ask("POST", "/api/users/token/refresh", {"refresh_token": secret})
        await run.ask("POST", "/api/users/password/reset", {"token": secret, "new_password": "short"})
    for body in ('{"username": "x", "password": "%s"', '{"username": ["%s"]}', '{"%s": 1}'):
        content = body % run.secret("broken body")
        await run.ask("POST", "/api/users/login", content=content, token=user.token)


async def over_grpc(run: Run, name: str, password: str, conversation: str) -> None:
    """The same account by stubs, with a trace of our own."""
    traced = (("traceparent", f"00-{(trace := uuid4().hex)}-{'1' * 16}-01"),)
    run.traces.add(trace)
    opened = await run.clients.sessions.Login(LoginRequest(username=name, password=password), metadata=traced)
    user = run.session({"access_token": opened.access_token, "refresh_token": opened.refresh_token})
    answer = await run.clients.sessions.Refresh(RefreshRequest(refresh_token=opened.refresh_token), metadata=traced)
    run.session({"access_token": answer.access_token, "refresh_token": answer.refresh_token})
    text = run.secret("message by gRPC")
    sending = SendMessageRequest(conversation_id=conversation, text=text, client_msg_id=uuid4().hex)
    await run.clients.messages.SendMessage(sending, metadata=(*user.metadata, *traced))
    for request in (
        LoginRequest(username=name, password=run.secret("wrong password by gRPC")),
        LoginRequest(username="", password=run.secret("password of nobody")),
    ):
        with suppress(grpc.aio.AioRpcError):
            await run.clients.sessions.Login(request, metadata=traced)
    stranger = run.secret("made-up token by gRPC", secrets.token_urlsafe(32))
    with suppress(grpc.aio.AioRpcError):
        await run.clients.accounts.GetMe(GetMeRequest(), metadata=(("authorization", f"Bearer {stranger}"), *traced))


async def over_sockets(run: Run, user: User, conversation: str) -> None:
    """A socket by ticket, messages that are sent, and what is refused."""
    ticket = await run.ask("POST", "/api/users/ws-ticket", {}, token=user.token)
    socket = await run.clients.connect(User("", "", ""), ticket=run.secret("ticket", ticket["ticket"]))
    sent = {"conversation_id": conversation, "text": run.secret("message by socket"), "client_msg_id": uuid4().hex}
    for event, data in (
        ("send-message", sent),
        ("send-message", {**sent, "text": run.secret("refused message")}),
        ("send-message", {"text": 1, "token": run.secret("unknown field")}),
        ("no-such-event", {"password": run.secret("unknown event")}),
    ):
        run.traces.add((await socket.ask(event, data)).get("trace_id", ""))
    for auth in ({"token": run.secret("socket token", secrets.token_urlsafe(32))}, {"ticket": ticket["ticket"]}):
        stranger = socketio.AsyncClient(reconnection=False)
        with suppress(socketio.exceptions.ConnectionError):
            await stranger.connect(run.clients.url, auth=auth, transports=["websocket"], socketio_path="ws")
        await stranger.disconnect()


async def one(run: Run, number: int) -> None:
    """All that one user does."""
    name = f"canary{number}-{secrets.token_hex(4)}"
    user, password = await over_rest(run, name, f"{name}@example.com")
    other = await run.clients.register()
    conversation = await run.clients.group(user, other)
    text = {"conversation_id": conversation, "text": run.secret("message"), "client_msg_id": uuid4().hex}
    await run.ask("POST", "/api/messages", text, token=user.token)
    await over_sockets(run, user, conversation)
    await misused(run, user)
    await over_grpc(run, name, password, conversation)
    await second_factor(run, user, password)


async def traced(run: Run) -> list[str]:
    """The traces that were seen since they were last asked for: only the newest are kept for long."""
    seen, run.traces = run.traces - {""}, set()
    answers = [await run.clients.rest.get(f"/dev/traces/{trace}") for trace in sorted(seen)]
    return [answer.text for answer in answers if answer.status_code == 200]


async def use(server: Server, users: int) -> tuple[Run, dict[str, str]]:
    """What the server tells of itself while it is used, beside its log."""
    traces: list[str] = []
    async with open_clients(server.http, server.grpc) as clients, httpx2.AsyncClient() as admin:
        run = Run(clients)
        for number in range(users):
            await one(run, number)
            traces += await traced(run)
        metrics = (await admin.get(f"{server.admin}/metrics")).text
    print(f"{len(traces)} traces")
    return run, {"traces": "\n".join(traces), "metrics": metrics}


def main(users: int) -> int:
    with TemporaryDirectory() as folder:
        server = start(Path(folder) / "data", CHAT_LOG_LEVEL="debug", CHAT_LIMITS="off")
        try:
            run, places = asyncio.run(use(server, users))
        finally:
            server.stop()
        places["log"] = server.log.read_text()
    for place, content in places.items():
        print(f"{place:8} {len(content):>10,} characters, {content.count(chr(10)):,} lines")
    found = [
        f"{kind} found in {place}: …{content[max(0, at - 60) : at]}[{secret[:4]}…]"
        for secret, kind in run.secrets.items()
        for place, content in places.items()
        if (at := content.find(secret)) >= 0
    ]
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(run.secrets.values()).items()))
    print(f"secrets: {kinds}")
    print(*found, sep="\n")
    found += [
        f"{place} does not say {said}: was it looked at?" for place, said in SAID.items() if said not in places[place]
    ]
    print(f"{len(run.secrets)} secrets, {len(found)} found")
    return 1 if found or len(run.secrets) < ENOUGH else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else USERS))

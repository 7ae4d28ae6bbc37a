"""A web server of strangers, on this machine: it says whatever it is told to say, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Send = Callable[[bytes], Awaitable[None]]
Answer = bytes | Callable[[Send], Awaitable[None]]
"""A whole answer, or what writes one."""

HTML = "text/html; charset=utf-8"


def page(body: str | bytes, kind: str = HTML, status: str = "200 OK", **headers: str) -> bytes:
    """Names of `headers` have underscores for dashes."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def titled(title: str) -> bytes:
    return page(f"<title>{title}</title>")


def redirect(to: str) -> bytes:
    return page("", status="302 Found", Location=to)


@dataclass
class Site:
    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    """By path."""
    asked: list[str] = field(default_factory=list)
    """What it was sent, each with all headers."""

    def at(self, path: str, host: str = "site.example") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [request.split()[1] for request in self.asked]


@asynccontextmanager
async def open_site(answers: Mapping[str, Answer] | None = None) -> AsyncIterator[Site]:
    """Leaving it ends the answers that are still being given."""
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            site.asked.append(request)
            answer = site.answers.get(request.split()[1], page("", status="404 Not Found"))
            await (send(answer) if isinstance(answer, bytes) else answer(send))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        site = Site(server.sockets[0].getsockname()[1], dict(answers or {}))
        try:
            yield site
        finally:
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)


class Names:
    """Resolves names by a table: each time to the next of what it says, and at the end always to the last."""

    def __init__(self, table: Mapping[str, Sequence[str]] | None = None) -> None:
        self.table = {name: list(answers) for name, answers in (table or {"site.example": ["127.0.0.1"]}).items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.table:
            return [host]
        answers = self.table[host]
        return [answers.pop(0) if len(answers) > 1 else answers[0]]

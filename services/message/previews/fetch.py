"""Looks at pages of strangers, without being led to places that only we can reach.

Each address is resolved once, and what it resolves to is checked and then connected to: a name that means something
else a moment later changes nothing. Redirects are followed by hand, each like an address of its own. There is no
client in the sense of HTTP here, so there are no cookies, no proxies of the environment and no credentials.
"""

import asyncio
import re
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final

import httpx2

from services.message.messages.domain import LinkPreview
from services.message.previews.domain import MAX_URL, are_public, is_host
from services.message.previews.parse import preview_of

TOTAL_S: Final = 2.0
"""Seconds for one address, with all its redirects."""
MAX_BYTES: Final = 1 << 20
"""Of a page, after decompression; what comes later is not read."""
MAX_REDIRECTS: Final = 3
PORTS: Final = frozenset({80, 443})

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The IP addresses of a name, for a port. Raises OSError."""
Allow = Callable[[Collection[str]], bool]
"""Whether a name that leads to these IP addresses may be looked at."""

_HEADERS = {
    "User-Agent": "chat-link-preview/1.0",
    "Accept": "text/html",
    "Accept-Encoding": "gzip, identity",
    "Connection": "close",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True}
"""Whether to decompress."""
_HEAD_ENDS = re.compile(rb"</head|<body", re.IGNORECASE)
_CHARSET = re.compile(r"charset=[\"']?([a-z0-9_-]{2,20})", re.IGNORECASE)
_CHARSETS = frozenset(
    {
        *("utf-8", "us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1251"),
        *("windows-1252", "koi8-r", "gbk", "gb2312", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"),
    }
)


class Refused(Exception):
    """The address is not looked at, or nothing can be made of what is there."""


class Fetcher:
    """Open with `async with`. `resolve`, `allow` and `ports` say where addresses lead, and which may be followed."""

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        allow: Allow = are_public,
        ports: Collection[int] = PORTS,
        total_s: float = TOTAL_S,
    ) -> None:
        self._resolve = resolve or self._look_up
        self._allow = allow
        self._ports = ports
        self._total_s = total_s
        # Threads of its own: names of strangers may take long, and others need theirs.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="previews")
        # No connection is kept: the next name at the same address is somebody else.
        self._transport = httpx2.AsyncHTTPTransport(
            trust_env=False, limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        )

    async def __aenter__(self) -> "Fetcher":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._transport.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def preview(self, url: str) -> LinkPreview | None:
        """The preview of a page; None when there is none to be had, for whatever reason."""
        try:
            async with asyncio.timeout(self._total_s):
                final_url, text = await self.page(url)
                return await asyncio.get_running_loop().run_in_executor(self._threads, preview_of, url, final_url, text)
        except (Refused, OSError, httpx2.HTTPError, httpx2.InvalidURL, zlib.error, UnicodeError, ValueError):
            return None

    async def page(self, url: str) -> tuple[str, str]:
        """Where an address leads in the end, and the text of the page there, as far as it was read.

        Raises Refused, and what the network and the other side make necessary.
        """
        for _ in range(MAX_REDIRECTS + 1):
            target = self._checked(url)
            response = await self._transport.handle_async_request(await self._request(target))
            try:
                if response.status_code not in _REDIRECTS:
                    return str(target), await _text(response)
                url = str(target.join(response.headers["Location"]))
            except KeyError:
                raise Refused("a redirect to nowhere") from None
            finally:
                await response.aclose()
        raise Refused("too many redirects")

    def _checked(self, url: str) -> httpx2.URL:
        if len(url) > MAX_URL:
            raise Refused("too long")
        target = httpx2.URL(url).copy_with(fragment=None)
        port = target.port or (443 if target.scheme == "https" else 80)
        if target.scheme not in ("http", "https") or port not in self._ports or target.userinfo:
            raise Refused("neither of http nor of https, an unusual port, or with credentials")
        if not is_host(target.raw_host.decode("ascii").lower()):
            raise Refused("no usual host")
        return target

    async def _request(self, target: httpx2.URL) -> httpx2.Request:
        """A request to the address that the name has now. The server is told the name, and has to prove it."""
        host = target.raw_host.decode("ascii")
        resolved = await self._resolve(host, target.port or (443 if target.scheme == "https" else 80))
        if not self._allow(resolved):
            raise Refused("not of the internet")
        named = httpx2.Request("GET", target, headers=_HEADERS)
        return httpx2.Request(
            "GET",
            target.copy_with(host=resolved[0]),
            headers=named.headers,
            extensions={
                "sni_hostname": host.rstrip("."),
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._total_s),
            },
        )

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        """Addresses of IPv4 come first: more servers have them."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _get_addresses, host, port)
        return sorted(dict.fromkeys(found), key=lambda address: ":" in address)


def _get_addresses(host: str, port: int) -> list[str]:
    return [str(place[0]) for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


async def _text(response: httpx2.Response) -> str:
    """The beginning of a page, up to the end of its head. Raises Refused."""
    kind = response.headers.get("Content-Type", "")
    if response.status_code != 200 or kind.partition(";")[0].strip().lower() != "text/html":
        raise Refused("no page")
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise Refused("compressed in a way that was not asked for")
    read = bytearray()
    async for part in _inflated(response.aiter_raw(16 << 10)) if _ENCODINGS[encoding] else response.aiter_raw():
        before = len(read)
        read += part[: MAX_BYTES - before]
        if len(read) == MAX_BYTES or _HEAD_ENDS.search(read, max(before - 8, 0)):
            break
    return read.decode(_charset(kind, read), errors="replace")


async def _inflated(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Never more at once than it is asked for: a small part may stand for a thousand times as much."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    async for part in parts:
        while part and not inflater.eof:
            yield inflater.decompress(part, 64 << 10)
            part = inflater.unconsumed_tail


def _charset(kind: str, read: bytes | bytearray) -> str:
    """As the server says, else as the page does near its beginning. What is not usual is read as UTF-8."""
    found = _CHARSET.search(kind) or _CHARSET.search(read[:2048].decode("ascii", errors="ignore"))
    name = found.group(1).lower() if found else ""
    return name if name in _CHARSETS else "utf-8"

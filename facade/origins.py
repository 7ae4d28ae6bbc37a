"""Which pages may use this server from a browser: our own, and those of the origins that are listed.

A browser names the origin of a page by one text (RFC 6454 §6.2), which is compared as a whole: nothing that only begins
or ends like an origin of ours is one.
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

_HOST = re.compile(r"([a-z0-9_-]+\.)*[a-z0-9_-]+(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_SCHEMES = {"ws": "http", "wss": "https"}


class Origins:
    """`listed` has commas between, as in `CHAT_ORIGINS`; `public_url` is where people reach us, as far as it is set."""

    def __init__(self, listed: str, public_url: str = "") -> None:
        """Raises ValueError for what is no origin."""
        pages = [_checked(origin) for origin in map(str.strip, listed.split(",")) if origin]
        self._listed = frozenset([*pages, *([origin_of(public_url)] if public_url else [])])

    def admits(self, origin: str, scope: Scope) -> bool:
        """Whether a page of `origin` may connect: it is listed, or is where the browser sent this request itself."""
        return origin in self._listed or (bool(origin) and origin == _own(scope))


def origin_of(url: str) -> str:
    """The origin of a URL, as browsers write it. Raises ValueError for a URL that has none."""
    parts = urlsplit(url)
    scheme, host = str(parts.scheme), str(parts.netloc).lower()
    if not scheme or not _HOST.fullmatch(host):
        raise ValueError("An origin is written like `https://app.example.com`.")
    return f"{scheme}://{_without_default_port(scheme, host)}"


def _checked(origin: str) -> str:
    parts = urlsplit(origin)
    if parts.path or parts.query or parts.fragment:
        raise ValueError("An origin is written like `https://app.example.com`, without a path.")
    return origin_of(origin)


def _own(scope: Scope) -> str:
    scheme = str(_SCHEMES.get(scope["scheme"], scope["scheme"]))
    host = Headers(scope=scope).get("host", "")
    return f"{scheme}://{_without_default_port(scheme, host.lower())}" if host else ""


def _without_default_port(scheme: str, host: str) -> str:
    return host.removesuffix(_DEFAULT_PORTS.get(scheme, " "))

"""Where a client calls from: its own address, or what proxies that are trusted say about it."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

Address = IPv4Address | IPv6Address
_HEADER = b"x-forwarded-for"


class Addresses:
    """`proxies` are networks with commas between, as in `CHAT_TRUSTED_PROXIES`. Raises ValueError for what is none."""

    def __init__(self, proxies: str) -> None:
        self._trusted = [ip_network(network) for network in filter(None, map(str.strip, proxies.split(",")))]

    def of(self, scope: Scope) -> str:
        """The address of the client; empty when nothing tells.

        Each proxy adds to `X-Forwarded-For` whom it heard, so the header is read from its end as long as those who
        wrote are trusted. What stands further left is what a stranger says.
        """
        host = (scope.get("client") or ("",))[0]
        found = _parsed(host)
        if found is None:
            return str(host)
        for hop in _hops(scope):
            if not self._trusts(found) or hop is None:
                break
            found = hop
        return str(found)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _hops(scope: Scope) -> Iterator[Address | None]:
    """Who called whom, the nearest first."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER]
    for hop in reversed(",".join(values).split(",") if values else ()):
        yield _parsed(hop.strip())


def _parsed(text: str) -> Address | None:
    """An address, without the port that some proxies add."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address

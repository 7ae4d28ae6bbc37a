"""The instances of a service, one by one, where `CHAT_<SERVICE>_ADDRESS` names several.

It may be a list (`ipv4:10.0.0.1:5001,10.0.0.2:5001`, `host-a:5001,host-b:5001`), a name that is looked up again and
again (`dns:///messages:5001`), or any other target of gRPC, which is then one instance.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

import grpc
import structlog

HERE = "here"
"""The address of a service in this process."""
LOOK_UP_S = 5.0

Addresses = tuple[str, ...]
"""Each is a gRPC target of its own, such as `10.0.0.1:5001`. Sorted."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The IP addresses of a name. Raises OSError."""

log = structlog.get_logger(__name__)


async def look_up(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


@dataclass(frozen=True, slots=True)
class Instances:
    """Where a service is. Whoever opens a channel closes it."""

    target: str = ""
    """What the setting says; empty for a service in this process."""
    open: Callable[[str], grpc.aio.Channel] = field(default=grpc.aio.insecure_channel, repr=False)
    """A channel to the one instance at an address."""
    resolve: Resolve = field(default=look_up, repr=False)

    async def watch(self, *, every_s: float = LOOK_UP_S) -> AsyncIterator[Addresses]:
        """The addresses now, then whenever they are others. Ends when they never change."""
        name = _name(self.target)
        if not name:
            yield listed(self.target)
            return
        known: Addresses | None = None
        while True:
            found = await self._resolved(*name)
            if found and found != known:
                known = found
                yield found
            await asyncio.sleep(every_s)

    async def _resolved(self, host: str, port: int) -> Addresses:
        """Empty when the name cannot be looked up: the instances known so far are as good as any."""
        try:
            return tuple(sorted({_joined(address, port) for address in await self.resolve(host, port)}))
        except OSError as error:
            log.warning("a name cannot be looked up", name=host, error=str(error))
            return ()


def listed(target: str) -> Addresses:
    """The addresses that a setting lists."""
    if not target:
        return (HERE,)
    scheme, _, rest = target.partition(":")
    if scheme in ("ipv4", "ipv6"):
        target = rest
    return tuple(sorted({address for part in target.split(",") if (address := part.strip())}))


def may_be_several(target: str) -> bool:
    """Whether a setting names, or may come to name, more than one instance."""
    return bool(_name(target)) or len(listed(target)) > 1


def balanced(target: str) -> str:
    """What gRPC takes to spread calls over all instances that a setting names.

    gRPC takes lists of IP addresses only: names in a list are looked up now, and once.
    """
    addresses = listed(target)
    if _name(target) or len(addresses) < 2:
        return target
    found = sorted({_joined(_looked_up(host), int(port)) for host, port in map(_parts, addresses)})
    return f"{'ipv6' if found[0].startswith('[') else 'ipv4'}:{','.join(found)}"


def _name(target: str) -> tuple[str, int] | None:
    """Host and port of `dns:` targets."""
    if not target.startswith("dns:"):
        return None
    host, _, port = target.rpartition("/")[2].removeprefix("dns:").rpartition(":")
    return host, int(port)


def _parts(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


def _looked_up(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return socket.gethostbyname(host)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""Rules of previews: which addresses of a text are looked at, and where they may lead. No I/O, no wire format."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from services.message.command import Command
from services.message.messages.domain import LinkPreview, Message, touched

MAX_PREVIEWS: Final = 3
MAX_URL: Final = 2000
"""Characters of an address; longer ones are left alone."""

_ADDRESS = re.compile(r"(?<![a-z0-9+.-])https?://[^\s<>\"'`\x00-\x20]+", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ENDS = ".,:;!?*_~]}"
_GLOBAL = ip_network("2000::/3")
_NOWHERE = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # Of protocols.
            "192.88.99.0/24",  # Relays of 6to4.
            "168.63.129.16/32",  # Tells virtual machines of a large cloud about themselves.
            "2001::/23",  # Of protocols, Teredo among them, which names an IPv4 address.
            "2001:db8::/32",
            "2002::/16",  # 6to4, which names an IPv4 address.
            "3fff::/20",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class SetPreviews(Command):
    """Shows previews with a message, as long as it is of this version. Answers whether it was."""

    message_id: str
    version: int
    previews: tuple[LinkPreview, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says of itself. `image` may be relative to the page's address."""

    title: str = ""
    description: str = ""
    site_name: str = ""
    image: str = ""


def addresses(text: str) -> tuple[str, ...]:
    """The first addresses of pages in a text, each once."""
    found: dict[str, None] = {}
    for match in _ADDRESS.finditer(text):
        url = _trimmed(match.group())
        if len(url) <= MAX_URL:
            found[url] = None
        if len(found) == MAX_PREVIEWS:
            break
    return tuple(found)


def previewed(message: Message, command: SetPreviews) -> Message:
    """The message with its previews; the same object when it was edited or deleted meanwhile, or shows them already."""
    is_other = message.deleted_at is not None or message.version != command.version
    if is_other or message.previews == command.previews:
        return message
    return touched(message, previews=command.previews)


def is_host(host: str) -> bool:
    """Whether it is a name, or an address in its usual form. `host` is in lower case and ASCII.

    Numbers in other forms (octal, hexadecimal, fewer than four) are addresses for some who resolve names.
    """
    try:
        ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        return len(host) <= 253 and _NAME.fullmatch(host) is not None and _NUMBER.fullmatch(last) is None
    return True


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet, and of nothing nearer.

    IPv6 addresses that carry one of IPv4 (mapped, compatible, translated, 6to4, Teredo) are none: who wants to reach
    an IPv4 address names it.
    """
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and (ip.scope_id is not None or ip not in _GLOBAL):
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOWHERE)


def are_public(resolved: Collection[str]) -> bool:
    """Whether a name leads to the internet only."""
    return bool(resolved) and all(is_public(address) for address in resolved)


def _trimmed(url: str) -> str:
    """The address without what ends the sentence, or the brackets, that it stands in."""
    end, surplus = len(url), url.count(")") - url.count("(")
    while end and (url[end - 1] in _ENDS or (url[end - 1] == ")" and surplus > 0)):
        surplus -= url[end - 1] == ")"
        end -= 1
    return url[:end]

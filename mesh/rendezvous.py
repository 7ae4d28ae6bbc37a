"""Who owns a key: everybody who knows the same names answers the same, and a name that goes moves its own keys only."""

from collections.abc import Iterable
from hashlib import blake2b


def ranked(key: str, names: Iterable[str]) -> list[str]:
    """The names in the order in which they would own `key`: highest random weight first."""
    return sorted(names, key=lambda name: _weight(key, name), reverse=True)


def _weight(key: str, name: str) -> tuple[bytes, str]:
    return blake2b(f"{name}\0{key}".encode(), digest_size=8).digest(), name

"""What a call tells at its end, beside its answer or its error, as headers of HTTP."""

from collections.abc import Iterable

HEADERS = {
    "idempotent-replayed": "Idempotent-Replayed",
    "ratelimit": "RateLimit",
    "ratelimit-policy": "RateLimit-Policy",
}
"""By the key of the trailing metadata. Whatever else stands there is between processes."""


def headers(trailing: Iterable[tuple[str, str | bytes]] | None) -> dict[str, str]:
    """The headers that the trailing metadata of a call becomes."""
    return {HEADERS[key]: value for key, value in trailing or () if key in HEADERS and isinstance(value, str)}

"""The headers that keep browsers safe, on every answer."""

_POLICY = (
    "default-src 'self'; img-src 'self' data: https:; connect-src 'self' ws: wss:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_YEAR_S = 365 * 24 * 3600


def safety(public_url: str) -> dict[str, str]:
    """The headers; those that bind browsers to TLS only where people reach us by it."""
    headers = {
        "content-security-policy": _POLICY,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    if public_url.startswith("https://"):
        headers["strict-transport-security"] = f"max-age={_YEAR_S}"
    return headers

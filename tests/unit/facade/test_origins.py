"""The rule about origins, without a server."""

import pytest

from facade.origins import Origins, origin_of

LISTED = "https://app.example.com, http://localhost:3000,capacitor://localhost"
PUBLIC = "https://chat.example.com/app"


def scope(host: str = "127.0.0.1:8080", scheme: str = "http") -> dict[str, object]:
    return {"type": "http", "scheme": scheme, "headers": [(b"host", host.encode())]}


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "http://localhost:3000",
        "capacitor://localhost",
        "https://chat.example.com",
        "http://127.0.0.1:8080",
    ],
)
def test_pages_of_ours_and_listed_ones_are_admitted(origin: str) -> None:
    """Where people reach us by setting and by the request itself, and what is listed."""
    assert Origins(LISTED, PUBLIC).admits(origin, scope())


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "https://app.example.com.evil.test",
        "https://evil-app.example.com",
        "https://evilapp.example.com",
        "https://evil.test",
        "https://example.com",
        "https://a.app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com:443",
        "https://app.example.com/",
        "https://app.example.com@evil.test",
        "https://evil.test#https://app.example.com",
        "https://app.example.com, https://evil.test",
        "http://app.example.com",
        "HTTPS://APP.EXAMPLE.COM",
        " https://app.example.com",
        "app.example.com",
        "http://localhost",
        "http://localhost:30000",
        "http://127.0.0.1",
        "http://127.0.0.1:8081",
        "https://127.0.0.1:8080",
        "https://chat.example.com/app",
        "http://",
        "garbage\x00",
    ],
)
def test_others_are_not(origin: str) -> None:
    """Another host, port or scheme, what only begins or ends like ours, and what is no origin."""
    assert not Origins(LISTED, PUBLIC).admits(origin, scope())


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("https", "Chat.example.com", "https://chat.example.com"),
        ("https", "chat.example.com:443", "https://chat.example.com"),
        ("wss", "chat.example.com", "https://chat.example.com"),
        ("ws", "chat.example.com:80", "http://chat.example.com"),
        ("http", "[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_our_own_origin_is_what_the_browser_called(scheme: str, host: str, origin: str) -> None:
    """Without the port that goes without saying."""
    assert Origins("").admits(origin, scope(host, scheme))


def test_a_request_to_nobody_has_no_origin_of_its_own() -> None:
    """HTTP/1.0 needs no Host."""
    assert not Origins("").admits("http://", {"type": "http", "scheme": "http", "headers": []})


@pytest.mark.parametrize(
    "listed",
    [
        "*",
        "null",
        "https://*.example.com",
        "app.example.com",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?a",
        "https://user@app.example.com",
        "https://",
        "https://äpp.example.com",
        "https://app.example.com:port",
        "https://app.example.com;https://b.example.com",
    ],
)
def test_what_is_no_origin_is_not_listed(listed: str) -> None:
    """A pattern or a path would promise what is not held."""
    with pytest.raises(ValueError, match="An origin is written like"):
        Origins(listed)


def test_the_origin_of_a_url() -> None:
    """As browsers write it."""
    assert origin_of("HTTPS://Chat.Example.com:443/app?x#y") == "https://chat.example.com"
    assert origin_of("http://chat.example.com:443") == "http://chat.example.com:443"

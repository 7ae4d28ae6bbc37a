"""What a process refuses to start with."""

import base64
import secrets

import pytest

from mesh.safety import Unsafe, check
from mesh.settings import Settings

EVERYTHING = ("user", "message", "facade")
GOOD = base64.b64encode(bytes(range(200, 248))).decode()
SAFE = {
    "env": "production",
    "secret": GOOD,
    "smtp_url": "smtp://mail.example.com",
    "public_url": "https://chat.example.com",
}


def settings(**changes: str) -> Settings:
    return Settings(**{**SAFE, **changes})  # type: ignore[arg-type]


def test_what_is_safe_starts() -> None:
    """In production with all that it needs, in development with nothing."""
    check(settings(), EVERYTHING)
    check(Settings(), EVERYTHING)
    check(Settings(secret=GOOD), EVERYTHING)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"secret": ""}, "CHAT_SECRET"),
        ({"secret": GOOD[:31]}, "CHAT_SECRET"),
        ({"secret": "x" * 40}, "CHAT_SECRET"),
        ({"secret": "abc" * 20}, "CHAT_SECRET"),
        ({"secret": "please-change-me-before-you-go-live-9Zk"}, "CHAT_SECRET"),
        ({"secret": "this is a SECRET of forty characters, ok"}, "CHAT_SECRET"),
        ({"secret": "0123456789abcdef0123456789abcdef"}, "CHAT_SECRET"),
        ({"http": "0.0.0.0:8080"}, "CHAT_HTTP"),
        ({"grpc": "[::]:50051"}, "CHAT_GRPC"),
        ({"admin": "192.0.2.1:8081"}, "CHAT_ADMIN"),
        ({"http": ":8080"}, "CHAT_HTTP"),
        ({"smtp_url": ""}, "CHAT_SMTP_URL"),
        ({"public_url": ""}, "CHAT_PUBLIC_URL"),
    ],
)
def test_production_refuses_what_is_not(changes: dict[str, str], named: str) -> None:
    """And names what to change, but never the secret."""
    with pytest.raises(Unsafe, match=named) as refusal:
        check(settings(**changes), EVERYTHING)
    assert not changes.get("secret") or changes["secret"] not in str(refusal.value)


def test_secrets_that_were_drawn_are_good() -> None:
    """As hexadecimal digits and as base 64, a thousand of each."""
    for _ in range(1000):
        check(settings(secret=secrets.token_hex(32)), EVERYTHING)
        check(settings(secret=secrets.token_urlsafe(48)), EVERYTHING)


@pytest.mark.parametrize("name", ["http", "grpc", "admin"])
def test_a_proxy_that_ends_tls_lets_listen_to_it(name: str) -> None:
    """Where it is named; everybody on this machine is trusted anyway."""
    check(settings(**{name: "0.0.0.0:1"}, trusted_proxies="10.0.0.0/8"), EVERYTHING)
    check(settings(**{name: "[::1]:1"}), EVERYTHING)


def test_who_sends_no_mail_needs_no_mail_server() -> None:
    """A process that hosts other services only."""
    check(settings(smtp_url="", public_url=""), ("message", "facade"))


@pytest.mark.parametrize(
    ("changes", "named"), [({"http": "0.0.0.0:8080"}, "CHAT_HTTP"), ({"secret": "too short"}, "CHAT_SECRET")]
)
def test_development_refuses_strangers_and_short_secrets(changes: dict[str, str], named: str) -> None:
    """Its users have passwords that are shown to everybody."""
    with pytest.raises(Unsafe, match=named):
        check(Settings(**changes), EVERYTHING)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["", "sqlite:///messages.db"])
def test_a_file_serves_one_instance(url: str) -> None:
    """Several need a database that they can share, whoever else is in the process."""
    several = {"message_address": "ipv4:10.0.0.1:5001,10.0.0.2:5001"}
    with pytest.raises(Unsafe, match="CHAT_MESSAGES_URL"):
        check(Settings(messages_url=url, **several), ["message"])  # type: ignore[arg-type]
    check(Settings(messages_url=url, **several), ["facade"])  # type: ignore[arg-type]
    check(Settings(messages_url=url, message_address="ipv4:10.0.0.1:5001"), ["message"])
    check(Settings(messages_url="postgresql+psycopg://there/chat", **several), ["message"])  # type: ignore[arg-type]


def test_several_presence_services_share_a_redis() -> None:
    """What one of them keeps in its memory the others do not know."""
    several = Settings(presence_address="ipv4:10.0.0.1:5001,10.0.0.2:5001")
    with pytest.raises(Unsafe, match="CHAT_PRESENCE_URL"):
        check(several, ["presence"])
    check(several, ["facade"])
    check(several.model_copy(update={"presence_url": "redis://there/0"}), ["presence"])

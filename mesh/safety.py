"""What a process refuses to start with, because it would not be safe."""

from collections.abc import Collection

from mesh.call.instances import listed
from mesh.settings import Settings
from mesh.sql.engines import is_sqlite

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SHORTEST_SECRET = 32
_FEWEST_CHARACTERS = 10
_TELLTALE = (
    "change",
    "secret",
    "example",
    "default",
    "password",
    "insecure",
    "replace",
    "your-",
    "abcdefg",
    "12345678",
)
"""What stands in examples, and in no secret that was drawn by chance."""


class Unsafe(ValueError):
    """The settings, or the data, are not safe to start with. The message names what to change."""


def check(settings: Settings, hosted: Collection[str]) -> None:
    """Raises Unsafe. `hosted` are the services of this process: what none of them needs is not asked for."""
    _check_shared(settings, hosted)
    if settings.env == "dev":
        _check_development(settings)
    else:
        _check_production(settings, hosted)


def _check_shared(settings: Settings, hosted: Collection[str]) -> None:
    instances = len(listed(settings.message_address))
    if "message" in hosted and instances > 1 and (not settings.messages_url or is_sqlite(settings.messages_url)):
        raise Unsafe(
            f"CHAT_MESSAGE_ADDRESS names {instances} instances, and an SQLite file serves one process. "
            f"Set CHAT_MESSAGES_URL to the PostgreSQL database that they share."
        )
    instances = len(listed(settings.presence_address))
    if "presence" in hosted and instances > 1 and not settings.presence_url:
        raise Unsafe(
            f"CHAT_PRESENCE_ADDRESS names {instances} instances, and what one keeps in memory the others do not know. "
            f"Set CHAT_PRESENCE_URL to the Redis that they share."
        )


def _check_development(settings: Settings) -> None:
    for name in _exposed(settings):
        raise Unsafe(
            f"CHAT_{name.upper()}={getattr(settings, name)} can be reached from outside, and CHAT_ENV=dev has users "
            f"with known passwords. Listen on 127.0.0.1, or set CHAT_ENV=production."
        )
    if settings.secret and len(settings.secret) < SHORTEST_SECRET:
        raise Unsafe(f"CHAT_SECRET is shorter than {SHORTEST_SECRET} characters.")


def _check_production(settings: Settings, hosted: Collection[str]) -> None:
    if not settings.secret:
        raise Unsafe("CHAT_SECRET is not set, which CHAT_ENV=production needs. Make one: openssl rand -base64 48")
    if len(settings.secret) < SHORTEST_SECRET:
        raise Unsafe(f"CHAT_SECRET is shorter than {SHORTEST_SECRET} characters. Make one: openssl rand -base64 48")
    if _is_guessable(settings.secret):
        raise Unsafe("CHAT_SECRET looks like an example, or can be guessed. Make one: openssl rand -base64 48")
    for name in _exposed(settings):
        if not settings.trusted_proxies:
            raise Unsafe(
                f"CHAT_{name.upper()}={getattr(settings, name)} can be reached from outside, and speaks without TLS. "
                f"Listen on 127.0.0.1, or let a proxy end TLS and name its network in CHAT_TRUSTED_PROXIES."
            )
    if "user" in hosted:
        if not settings.smtp_url:
            raise Unsafe("CHAT_SMTP_URL is not set: nobody could prove an address, or get a password back.")
        if not settings.public_url:
            raise Unsafe("CHAT_PUBLIC_URL is not set: links in mails would lead nowhere.")


def _exposed(settings: Settings) -> list[str]:
    """The listeners that more than this machine can reach."""
    return [name for name in ("http", "grpc", "admin") if getattr(settings, name).rpartition(":")[0] not in LOOPBACK]


def _is_guessable(secret: str) -> bool:
    return len(set(secret)) < _FEWEST_CHARACTERS or any(text in secret.lower() for text in _TELLTALE)

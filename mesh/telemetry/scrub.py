"""What may not reach a log: secrets, endless values, and characters that would forge a line or drive a terminal."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

MAX_TEXT = 2000
MAX_ITEMS = 100
MAX_DEPTH = 8
BLANK = "***"

_SECRET = re.compile(r"authorization|cookie|token|password|secret|refresh|ticket|credential", re.IGNORECASE)
# What is a secret by its looks, wherever it stands: in a text, in the message of an error, in an address. Looking for
# what each begins with is a hundred times cheaper than looking for all of them.
_BEGINNINGS = ("bearer ", "basic ", "://", "eyj", "ck_", "$argon2")
_LOOKS_SECRET = re.compile(
    r"(?P<scheme>\b(?i:bearer|basic) +)[\w.~+/=-]{8,}"
    r"|(?P<user>://[^/\s:@]*:)[^/\s@]+(?=@)"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"  # access tokens
    r"|\bck_[\w-]{8,}"  # API keys
    r"|\$argon2[\w$=,.+/-]+"
)
# 256 bits in base 64: refresh tokens, tickets, links. Ids and hashes in hexadecimal digits have one case.
_LONG = re.compile(r"[A-Za-z0-9_-]{40,}")
_LONGEST = 1000
"""No secret of ours is longer."""
# Control characters, line separators, and halves of surrogate pairs, which no encoder accepts.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_PLAIN = (int, float, bool, type(None))


def scrub(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: leaves numbers, and clean, bounded text without values whose key names a secret.

    Keys that start with `_`, and `exc_info`, belong to structlog and are left to it.
    """
    for key, value in event.items():
        if key != "exc_info" and not key.startswith("_"):
            event[key] = BLANK if _SECRET.search(key) else clean(value)
    return event


def clean(value: object, depth: int = MAX_DEPTH) -> Any:
    """`value` as text, numbers, lists and dicts, all of bounded size."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, _PLAIN):
        return value
    if depth and isinstance(value, Mapping):
        return {
            _text(str(key)): BLANK if _SECRET.search(str(key)) else clean(item, depth - 1)
            for key, item in list(value.items())[:MAX_ITEMS]
        }
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [clean(item, depth - 1) for item in list(value)[:MAX_ITEMS]]
    return _text(repr(value))


def blank_secrets(text: str) -> str:
    """`text` without what is a secret by its looks."""
    lowered = text.lower()
    if any(beginning in lowered for beginning in _BEGINNINGS):
        text = _LOOKS_SECRET.sub(lambda found: f"{found['scheme'] or found['user'] or ''}{BLANK}", text)
    return _LONG.sub(_blank_mixed, text)


def _blank_mixed(found: re.Match[str]) -> str:
    run = found[0]
    return run if run in (run.lower(), run.upper()) else BLANK


def _text(value: str) -> str:
    size = len(value)
    value = blank_secrets(value[: MAX_TEXT + _LONGEST])  # Cut afterwards: half a secret no longer looks like one.
    if size > MAX_TEXT:
        value = f"{value[:MAX_TEXT]}… ({size} characters)"
    return value if value.isprintable() else _UNSAFE.sub(" ", value)

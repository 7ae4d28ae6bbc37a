"""What may not reach a log: secrets, endless values, and characters that would forge a line or drive a terminal."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

MAX_TEXT = 2000
MAX_ITEMS = 100
MAX_DEPTH = 8
BLANK = "***"

_SECRET = re.compile(r"authorization|cookie|token|password|secret|refresh", re.IGNORECASE)
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


def _text(value: str) -> str:
    if len(value) > MAX_TEXT:
        value = f"{value[:MAX_TEXT]}… ({len(value)} characters)"
    return value if value.isprintable() else _UNSAFE.sub(" ", value)

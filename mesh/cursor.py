"""Places in lists, handed to clients as text that they can neither read, change nor use for another list."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import orjson

from mesh.errors import Invalid
from mesh.sealing import derive

Value = str | int

_MAC_BYTES = 16
_SCOPE_BYTES = 8


class CursorCodec:
    """Signs cursors with a secret that every process of the service shares."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encode(self, scope: str, values: Sequence[Value]) -> str:
        """URL-safe text that stands for `values` in the list `scope`, such as `ListMessages:<conversation id>`."""
        payload = _digest(scope) + orjson.dumps(list(values))
        return _text(self._mac(payload) + payload)

    def decode(self, scope: str, cursor: str) -> list[Value]:
        """The values. Raises Invalid: CURSOR_INVALID for what is not ours, CURSOR_MISMATCH for another list's."""
        signed = _bytes(cursor)
        mac, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise Invalid("CURSOR_INVALID", "The cursor is not one of ours, or was changed.")
        if payload[:_SCOPE_BYTES] != _digest(scope):
            raise Invalid("CURSOR_MISMATCH", "The cursor belongs to another list or filter.")
        values: list[Value] = orjson.loads(payload[_SCOPE_BYTES:])
        return values

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, payload, hashlib.sha256)[:_MAC_BYTES]


def open_cursors(secret: bytes) -> CursorCodec:
    """The cursors of an installation, by its secret: a page that one process began another one goes on with."""
    return CursorCodec(derive(secret, "cursors"))


def _digest(scope: str) -> bytes:
    return hashlib.sha256(scope.encode()).digest()[:_SCOPE_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(cursor: str) -> bytes:
    """The bytes of exactly one spelling; empty, which no signature matches, for any other."""
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        return b""
    return data if _text(data) == cursor else b""

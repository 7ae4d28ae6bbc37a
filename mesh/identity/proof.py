"""How processes of one installation know each other's calls: by a code that only holders of its secret can make.

A code is for one method and one minute. What a proven caller says beside it is believed: the address of the client that
it speaks for, that a rate limit has counted the request already, and that it serves a call which was admitted.
"""

import hmac
import time
from collections.abc import Callable

from mesh.sealing import derive

METADATA_KEY = "x-mesh-proof"
ADDRESS_KEY = "x-client-address"
COUNTED_KEY = "x-rate-counted"
NESTED_KEY = "x-mesh-nested"
_TOLERANCE_S = 60


class Proofs:
    """Makes and checks codes. `clock` gives seconds since the epoch."""

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._key = derive(secret, "mesh proof")
        self._clock = clock

    def make(self, method: str) -> str:
        """The code for a call of `method`, made now."""
        moment = int(self._clock())
        return f"{moment}.{self._mac(method, moment)}"

    def holds(self, method: str, code: str) -> bool:
        """Whether the code was made for `method` within the last minute, by somebody who has the secret."""
        text, _, mac = code.partition(".")
        if not text.isdecimal() or len(text) > 12 or abs(self._clock() - int(text)) > _TOLERANCE_S:
            return False
        return hmac.compare_digest(mac.encode(), self._mac(method, int(text)).encode())

    def _mac(self, method: str, moment: int) -> str:
        return hmac.digest(self._key, f"{method}\0{moment}".encode(), "sha256").hex()

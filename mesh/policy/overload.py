"""What a process refuses when it cannot keep up: the least important first, so that messages still go through.

It is judged by how long things wait for their turn, not by how many wait: that is what callers feel, and it needs no
number that is right for one machine only.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from chat.mesh.v1 import options_pb2 as pb
from mesh.errors import Unavailable
from mesh.policy.methods import policy_of

SAMPLES: Final = 10
"""Whoever keeps everybody waiting for a moment only, such as a collector of garbage, is no overload."""
RETRY_AFTER_S: Final = 1

_BEARABLE_S: Final[Mapping[int, float]] = {
    pb.RATE_CLASS_EPHEMERAL: 0.1,
    pb.RATE_CLASS_SEARCH: 0.25,
    pb.RATE_CLASS_READ: 0.5,
    pb.RATE_CLASS_WRITE: 1.0,
    pb.RATE_CLASS_MESH: float("inf"),
    pb.RATE_CLASS_UNSPECIFIED: float("inf"),  # Health, and what else is not ours.
}
"""By rate class, the seconds of waiting from which on it is refused."""
_LAST_S: Final = 2.0
"""Of sends, and of what it takes to log in."""


class Overload:
    """Told again and again for how long something waited for its turn; refuses calls by their rate class."""

    def __init__(self) -> None:
        self._waits: deque[float] = deque([0.0] * SAMPLES, maxlen=SAMPLES)
        self._least = 0.0

    def observe(self, seconds: float) -> None:
        """Something waited so long for its turn."""
        self._waits.append(seconds)
        self._least = min(self._waits)

    def check(self, method: str) -> None:
        """Raises Unavailable (OVERLOADED) for a call that is not important enough now."""
        if self._least and self._least >= _BEARABLE_S.get(policy_of(method).rate_class, _LAST_S):
            raise Unavailable("OVERLOADED", "Too much is going on. Try again.", retry_after_s=RETRY_AFTER_S)

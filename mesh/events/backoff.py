"""How long to wait before another try."""

import random
from collections.abc import Callable
from dataclasses import dataclass

MAX_EXPONENT = 16


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, with full jitter: callers that failed together do not come back together."""

    base_s: float = 0.1
    cap_s: float = 10.0
    uniform: Callable[[float, float], float] = random.uniform

    def delay_s(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, at least one."""
        return self.uniform(0.0, min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, MAX_EXPONENT)))

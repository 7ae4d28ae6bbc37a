"""The arithmetic of a limit: GCRA, a leaky bucket whose whole state is one point in time. No clock, no store.

That point is when the bucket will have run empty. A bucket takes `burst` calls at once, and lets one out each interval;
so nobody ever gets more than burst + rate * t in any t. All is in whole nanoseconds: what is told to wait is exact.
"""


def level_ns(empty_at_ns: int, now_ns: int) -> int:
    """How full the bucket is: the time until it has run empty."""
    return max(empty_at_ns - now_ns, 0)


def need_ns(interval_ns: int, burst: int, cost: int) -> int:
    """What a call adds. One that costs more than all there can be costs all of it, else it could never pass."""
    return interval_ns * min(cost, burst)


def wait_ns(level_ns: int, need_ns: int, capacity_ns: int) -> int:
    """How long until what is needed fits in; 0 when it does now."""
    return max(level_ns + need_ns - capacity_ns, 0)

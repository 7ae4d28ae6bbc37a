"""How much time a call gets. gRPC does not pass a deadline on to the next hop: this does."""

SLACK_S = 0.02
"""Kept back at each hop, so that the caller hears of the deadline from us and not from its own clock."""


def budget_s(*, asked_s: float | None, policy_s: float | None, remaining_s: float | None) -> float | None:
    """Seconds for a call: the least of what the caller asks, the method allows and the request has left minus slack.

    None when none of them sets a limit. Zero or less means that there is no time to make the call.
    """
    limits = [limit for limit in (asked_s, policy_s) if limit is not None]
    if remaining_s is not None:
        limits.append(remaining_s - SLACK_S)
    return min(limits, default=None)

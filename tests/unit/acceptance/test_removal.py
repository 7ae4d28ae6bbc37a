"""The acceptance test of removals finds what it looks for."""

from tests.acceptance.removal import leaks


def test_what_came_before_is_no_leak() -> None:
    """Neither is one's own log, which has no place in that of the conversation."""
    seen = [("live feed", 3, 4), ("history", 3, 0), ("socket", 0, 0), ("sync", 0, 1)]
    assert leaks("g", (3, 5), seen) == []


def test_what_came_after_is_a_leak() -> None:
    """By its number, or by its place, which changes without a message have too."""
    seen = [("history", 4, 0), ("live feed", 0, 5), ("socket", 4, 6)]
    assert leaks("g", (3, 5), seen) == [
        "g, which ended at 3 (5): history told of 4 (0)",
        "g, which ended at 3 (5): live feed told of 0 (5)",
        "g, which ended at 3 (5): socket told of 4 (6)",
    ]

"""Pauses between tries."""

import pytest

from mesh.events.backoff import Backoff


@pytest.mark.parametrize(("failures", "longest"), [(1, 0.1), (2, 0.2), (5, 1.6), (8, 10.0), (17, 10.0), (5000, 10.0)])
def test_pause_doubles_up_to_the_cap(failures: int, longest: float) -> None:
    """The longest pause doubles with each failure and never exceeds the cap, however many there were."""
    assert Backoff(0.1, 10.0, uniform=lambda low, high: high).delay_s(failures) == pytest.approx(longest)


def test_jitter_is_full() -> None:
    """Any pause from none to the longest may come."""
    assert Backoff(0.1, 10.0, uniform=lambda low, high: low).delay_s(9) == 0
    assert all(0 <= Backoff().delay_s(3) <= 0.4 for _ in range(100))

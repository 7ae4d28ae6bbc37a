"""How a figure of the bench is judged."""

import pytest

from bench.peers.compare import spread
from bench.peers.goals import Goal, Row
from bench.peers.growth import exponent

MORE, LESS = Goal(1, 2, 3), Goal(3, 2, 1)


@pytest.mark.parametrize(
    ("goal", "ratio", "met"),
    [
        (MORE, 0.9, "none"),
        (MORE, 1, "floor"),
        (MORE, 2.5, "aim"),
        (MORE, 3, "dream"),
        (LESS, 3.1, "none"),
        (LESS, 3, "floor"),
        (LESS, 1.5, "aim"),
        (LESS, 1, "dream"),
    ],
)
def test_the_best_mark_that_is_reached_counts(goal: Goal, ratio: float, met: str) -> None:
    """A mark is met exactly, or by what is better, whichever way that is."""
    assert goal.met(ratio) == met


def test_a_row_without_figures_meets_nothing() -> None:
    """What was left out says so, and is not taken for a success."""
    what, *figures, met = Row("a", "something", remark="left out: it is not there").cells()
    assert what == "a something (left out: it is not there)"
    assert figures[:3] == ["-", "-", "-"]
    assert met == "-"


def test_the_exponent_is_that_of_a_power() -> None:
    """A cost that does not grow has 0, one that grows with the size 1."""
    assert exponent(dict.fromkeys((10, 100, 1000), 7.0)) == pytest.approx(0)
    assert exponent({size: 3.0 * size for size in (10, 100, 1000)}) == pytest.approx(1)


def test_a_spread_counts_both_ways() -> None:
    """Half as much strays from one as far as twice as much."""
    assert spread([1.0, 0.5]) == spread([2.0, 1.0]) == pytest.approx(1)

"""What is aimed at, as ratios between ours and a peer in the same run, and how far a figure got."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.table import Table


@dataclass(frozen=True, slots=True)
class Goal:
    """Three marks of one ratio. Where the dream is below the floor, less is better."""

    floor: float
    aim: float
    dream: float

    def met(self, ratio: float) -> str:
        """The best of the marks that `ratio` reaches."""
        sign = 1 if self.dream > self.floor else -1
        marks = {"dream": self.dream, "aim": self.aim, "floor": self.floor}
        return next((name for name, mark in marks.items() if (ratio - mark) * sign >= 0), "none")


GOALS: Mapping[str, Goal] = {
    "a": Goal(1.25, 2.5, 4),
    "b": Goal(0.67, 1.25, 2),
    "b'": Goal(1, 2, 4),
    "c": Goal(4, 7, 10),
    "d": Goal(0.8, 1.3, 2),
    "e": Goal(0.4, 0.8, 1.1),
    "f": Goal(0.33, 0.5, 0.77),
    "g": Goal(1, 0.5, 0.2),
    "h": Goal(5, 20, 40),
    "i": Goal(0.6, 0.35, 0.2),
    "j": Goal(0.5, 0.2, 0.05),
    "k": Goal(4, 2.5, 1.8),
    "k'": Goal(2, 1.2, 1),
    "l": Goal(2, 1, 0.5),
    "m": Goal(0.1, 0.05, 0.02),
    "m'": Goal(1.05, 1.02, 1),
}
COLUMNS = ("", "ours", "theirs", "ratio", "A/A ±", "floor", "aim", "dream", "met")


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. `goal` is its letter; `remark` tells what spoils it, or why there are no figures."""

    goal: str
    what: str
    ours: str = "-"
    theirs: str = "-"
    ratio: float | None = None
    band: float | None = None
    remark: str = ""

    def cells(self) -> Sequence[str]:
        goal = GOALS[self.goal]
        what = f"{self.goal} {self.what}" + (f" ({self.remark})" if self.remark else "")
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        band = "" if self.band is None else f"{self.band:.0%}"
        met = "-" if self.ratio is None else goal.met(self.ratio)
        return what, self.ours, self.theirs, ratio, band, f"{goal.floor:g}", f"{goal.aim:g}", f"{goal.dream:g}", met


def comparison(title: str, note: str, rows: Sequence[Row]) -> Table:
    return Table(title, COLUMNS, note, [row.cells() for row in rows])

"""A table of figures, printed as Markdown that also reads well in a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """`note` says what is counted. The first column names the row; the others are figures."""

    title: str
    columns: Sequence[str]
    note: str
    rows: list[Sequence[str]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        body = "\n".join(_line(line, widths) for line in (self.columns, rule, *self.rows))
        return f"## {self.title}\n\n{self.note}\n\n{body}\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *figures = zip(cells, widths, strict=True)
    aligned = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in figures)]
    return f"| {' | '.join(aligned)} |"

"""Two servers under the same load in turn: A/A first, then ABBA, by the median of the ratios."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from bench.fill import is_quick
from bench.peers.cache import Missing
from bench.peers.goals import Row
from bench.peers.load import Figures, Load, crowd
from bench.peers.target import Target

Open = Callable[[], AbstractContextManager[Target]]
WARM_S = 2.0


@dataclass(frozen=True, slots=True)
class Work:
    """So many rooms of so many members, in which so many messages a second are sent in all."""

    rooms: int
    members: int
    rate: float
    seconds: float = 6

    @property
    def spent_s(self) -> float:
        return 3 if is_quick() else self.seconds


def per_message_us(figures: Figures) -> float:
    return figures.server_cpu_s / figures.sent * 1e6


def per_delivery_us(figures: Figures) -> float:
    return figures.server_cpu_s / figures.delivered * 1e6


@contextmanager
def loaded(target: Open, work: Work) -> Iterator[Load]:
    """A target with everybody connected, warmed up."""
    with target() as running, crowd(running, running.rooms(work.rooms, work.members)) as load:
        load.connect()
        load.talk(work.rate, WARM_S)
        yield load


def compare(goal: str, what: str, ours: Open, theirs: Open, work: Work, cost: Callable[[Figures], float]) -> Row:
    """`cost` is of one run, in microseconds. The ratio says how many times as much the peer takes."""
    try:
        with ExitStack() as stack:
            pair = [stack.enter_context(loaded(target, work)) for target in (ours, theirs)]
            return _compared(goal, what, pair[0], pair[1], work, cost)
    except Missing as reason:
        return Row(goal, what, remark=f"left out: {reason}")
    except RuntimeError as error:
        return Row(goal, what, remark=f"failed: {error}")


def _compared(goal: str, what: str, ours: Load, theirs: Load, work: Work, cost: Callable[[Figures], float]) -> Row:
    flaws = dict[str, None]()

    def run(load: Load) -> float:
        figures = load.talk(work.rate, work.spent_s)
        name = "ours" if load is ours else "theirs"
        flaws.update(dict.fromkeys(f"{name}: {flaw}" for flaw in figures.flaws))
        return cost(figures)

    same = [run(ours) / run(ours) for _ in range(1 if is_quick() else 2)]
    mine, others = list[float](), list[float]()
    for order in ((ours, theirs), (theirs, ours)) * (1 if is_quick() else 2):
        for load in order:
            (mine if load is ours else others).append(run(load))
    ratios = [other / own for own, other in zip(mine, others, strict=True)]
    return Row(
        goal,
        what,
        f"{median(mine):.1f} µs",
        f"{median(others):.1f} µs",
        median(ratios),
        spread(same),
        "; ".join(flaws),
    )


def spread(ratios: Sequence[float]) -> float:
    """How far ratios of what is the same stray from one."""
    return max(max(ratio, 1 / ratio) for ratio in ratios) - 1

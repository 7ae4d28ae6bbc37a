"""How long a message takes to everybody while the server works half of the time."""

from collections.abc import Sequence

from bench.peers import others, ours
from bench.peers.compare import Work, loaded, per_message_us
from bench.peers.goals import Row
from bench.peers.load import Figures, Load

WORK = Work(rooms=10, members=100, rate=20, seconds=20)
"""A thousand sockets; the rate is that at which the cost of a message is found out."""


def latency() -> Sequence[Row]:
    with loaded(ours.on_sqlite, WORK) as mine, loaded(others.node, WORK) as theirs:
        rate = 0.5e6 / per_message_us(mine.talk(WORK.rate, WORK.spent_s))
        own, other = _best(mine, rate), _best(theirs, rate)
    spread = f"p99 over p50 at half load, {rate:.0f} messages/s to 100 each: by itself"
    return [
        Row("k", spread, f"{own.p99_us / 1e3:.1f} ms", f"{own.p50_us / 1e3:.1f} ms", own.p99_us / own.p50_us),
        Row(
            "k'",
            "p99 of send to delivery at the same rate: Node socket.io",
            f"{own.p99_us / 1e3:.1f} ms",
            f"{other.p99_us / 1e3:.1f} ms",
            own.p99_us / other.p99_us,
            remark="; ".join([*(f"ours: {flaw}" for flaw in own.flaws), *(f"theirs: {flaw}" for flaw in other.flaws)]),
        ),
    ]


def _best(load: Load, rate: float) -> Figures:
    """The run of some that was disturbed the least."""
    return min((load.talk(rate, WORK.spent_s) for _ in range(3)), key=lambda figures: figures.p99_us)

"""The goals: ours beside its peers, one line each."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.fill import is_quick
from bench.peers import rows
from bench.peers.cache import Missing
from bench.peers.goals import Row, comparison
from bench.peers.growth import growth
from bench.peers.idle import idle
from bench.peers.latency import latency
from bench.peers.process import cores, raise_limit
from bench.peers.proxied import proxied
from bench.peers.store import store
from bench.peers.storm import storm
from bench.table import Table

GROUPS: Mapping[str, tuple[str, Callable[[], Iterable[Row]]]] = {
    "persisted": ("ab", rows.persisted),
    "fanout": ("cdef", rows.fanout),
    "proxied": ("g", proxied),
    "store": ("h", store),
    "idle": ("ij", idle),
    "latency": ("k", latency),
    "storm": ("l", storm),
    "growth": ("m", growth),
}
"""By name, the letters of the goals and what measures them."""


async def table(*names: str) -> Table:
    """The rows of these groups, of all by default."""
    raise_limit()
    chosen = names or tuple(GROUPS)
    found = await asyncio.to_thread(lambda: [row for name in chosen for row in _measured(name)])
    return comparison("Goals" if not names else f"Goals: {', '.join(names)}", _note(), found)


def _measured(name: str) -> Sequence[Row]:
    """The rows of a group, each told as soon as it is known: all of them take an hour."""
    letters, measure = GROUPS[name]
    found = []
    try:
        for row in measure():
            print("  ".join(row.cells()), file=sys.stderr, flush=True)
            found.append(row)
    except Missing as reason:
        found.append(Row(letters[0], name, remark=f"left out: {reason}"))
    except RuntimeError as error:
        found.append(Row(letters[0], name, remark=f"failed: {error}"))
    return found


def _note() -> str:
    server, load = cores()
    short = " THIS WAS A QUICK RUN, to try the bench itself: its figures say nothing." if is_quick() else ""
    return (
        f"Servers on core {server} with their database, the load generator on core {load}. Open loop, every "
        "message\nlooked for at every member. Costs are CPU, user and system; their ratio says how many times as much "
        "the peer takes.\nThe ratios of g and i to m are ours by theirs: less is better. The rest: docs/benchmarks.md."
        + short
    )

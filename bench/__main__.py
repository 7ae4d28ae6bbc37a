"""`python -m bench [--quick] [part …]`: measures this machine and prints a table for each part."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from bench import calls, goals, history, identity, limits, machine, members, relay, rooms, search, writer
from bench.table import Table
from mesh.telemetry.logs import configure_logs

PARTS: Mapping[str, Callable[[], Awaitable[Table]]] = {
    "goals": goals.table,
    "calls": calls.table,
    "identity": identity.table,
    "limits": limits.table,
    "relay": relay.table,
    "writer": writer.table,
    "rooms": rooms.table,
    "members": members.table,
    "history": history.table,
    "search": search.table,
}
ALONE: Mapping[str, Callable[[], Awaitable[Table]]] = {name: partial(goals.table, name) for name in goals.GROUPS}
"""Parts of the goals."""
QUICK = "--quick"


async def _measure(part: str) -> Table:
    return await {**PARTS, **ALONE}[part]()


def main(arguments: Sequence[str]) -> int:
    names = [argument for argument in arguments if argument != QUICK]
    if QUICK in arguments:
        os.environ.setdefault("CHAT_BENCH_PART", "0.1")
    unknown = set(names) - PARTS.keys() - ALONE.keys()
    if unknown:
        known = ", ".join([*PARTS, *ALONE])
        print(f"There is no part {', '.join(sorted(unknown))}; there are {known}.", file=sys.stderr)
        return 2
    configure_logs("text", "warning")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # Servers start as those do that are installed.
    print(machine.description(datetime.now(UTC)), flush=True)
    for part in names or PARTS:
        print(f"\n{asyncio.run(_measure(part))}", end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

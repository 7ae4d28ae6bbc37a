"""`python -m bench [part …]`: measures this machine and prints a table for each part."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

from bench import calls, history, identity, limits, machine, members, relay, rooms, search, writer
from bench.table import Table
from mesh.telemetry.logs import configure_logs

PARTS: Mapping[str, Callable[[], Awaitable[Table]]] = {
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


async def _measure(part: str) -> Table:
    return await PARTS[part]()


def main(names: Sequence[str]) -> int:
    unknown = set(names) - PARTS.keys()
    if unknown:
        print(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    configure_logs("text", "warning")
    print(machine.description(datetime.now(UTC)), flush=True)
    for part in names or PARTS:
        print(f"\n{asyncio.run(_measure(part))}", end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

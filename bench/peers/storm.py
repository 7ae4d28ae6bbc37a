"""A server is killed under all its clients and started again: until they are back, and have what was said meanwhile."""

from collections.abc import Sequence

from bench.fill import is_quick
from bench.peers import others, ours
from bench.peers.compare import Open
from bench.peers.goals import Row
from bench.peers.load import crowd

CLIENTS, ROOM, WITHIN_S = 2000, 10, 120


def storm() -> Sequence[Row]:
    """Both kinds of client try again by the same rule. Time counts from the first that was dropped, start-up too."""
    mine, theirs = _come_back(ours.on_sqlite), _come_back(others.node)
    clients = _clients()
    return [
        Row(
            "l",
            f"{clients:,} clients after a kill, 95 % back: Node socket.io",
            f"{mine['most_s']:.1f} s",
            f"{theirs['most_s']:.1f} s",
            mine["most_s"] / theirs["most_s"],
            remark=f"listening again after {mine['first_s']:.1f} and {theirs['first_s']:.1f} s",
        ),
        Row(
            "l",
            "all back, and all messages there: Node socket.io",
            f"{mine['delivered_s']:.1f} s",
            f"{theirs['delivered_s']:.1f} s",
            mine["delivered_s"] / theirs["delivered_s"],
            remark=f"lost: ours {_lost(mine)}, theirs {_lost(theirs)}",
        ),
    ]


def _come_back(target: Open) -> dict[str, float]:
    with target() as running, crowd(running, running.rooms(_clients() // ROOM, ROOM)) as load:
        load.connect()
        return load.storm(WITHIN_S)


def _lost(figures: dict[str, float]) -> str:
    return f"{figures['missing'] / (2 * figures['sockets']):.0%}"


def _clients() -> int:
    return CLIENTS // 10 if is_quick() else CLIENTS

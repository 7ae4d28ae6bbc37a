"""The comparisons by letter: CPU per message and per delivery."""

from collections.abc import Iterator

from bench.peers import others, ours, tinode
from bench.peers.compare import Work, compare, per_delivery_us, per_message_us
from bench.peers.goals import Row

TALKS = (Work(rooms=20, members=10, rate=200), Work(rooms=20, members=10, rate=500))
FANOUTS = (Work(rooms=1, members=100, rate=60), Work(rooms=1, members=1000, rate=6))
"""Six thousand deliveries a second either way."""
BUSY = Work(rooms=1, members=100, rate=300)
"""Thirty thousand, which is too much for some."""


def persisted() -> Iterator[Row]:
    """CPU a message that is kept before it is acknowledged, with ten deliveries; the database's counts."""
    for goal, name, mine, peer in (
        ("a", "PostgreSQL: Tinode", ours.on_postgres, tinode.on_postgres),
        ("b", "PostgreSQL: Node socket.io", ours.on_postgres, others.node_postgres),
        ("b'", "SQLite: python-socketio", ours.on_sqlite, others.stock_sqlite),
    ):
        for work in TALKS:
            what = f"CPU per persisted message, 10 deliveries, {work.rate:.0f}/s, {name}"
            yield compare(goal, what, mine, peer, work, per_message_us)


def fanout() -> Iterator[Row]:
    """CPU a delivery in large rooms. Ours keeps every message, the peers keep none."""
    for goal, name, peer, works in (
        ("c", "python-socketio", others.stock, FANOUTS),
        ("d", "Node socket.io", others.node, (*FANOUTS, BUSY)),
        ("e", "Centrifugo", others.centrifugo, (*FANOUTS, BUSY)),
        ("f", "a loop in C", others.broadcaster, (*FANOUTS, BUSY)),
    ):
        for work in works:
            what = f"CPU per delivery, room of {work.members:,}, {work.rate:.0f}/s: {name}"
            yield compare(goal, what, ours.on_sqlite, peer, work, per_delivery_us)

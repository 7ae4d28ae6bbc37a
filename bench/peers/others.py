"""The peers, each at its best documented settings without compression, on one core."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL

from bench.folder import on_disk
from bench.machine import ROOT
from bench.peers import cache
from bench.peers.postgres import open_postgres
from bench.peers.process import server, start_server, stop
from bench.peers.target import Target
from tests.ports import reserve_port

_SOCKET_IO = "ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"


@contextmanager
def stock() -> Iterator[Target]:
    """python-socketio and uvicorn, nothing kept."""
    with on_disk() as folder, _stock(folder, []) as target:
        yield target


@contextmanager
def stock_sqlite() -> Iterator[Target]:
    """The same with a synced insert for each message."""
    with on_disk() as folder, _stock(folder, [str(folder / "messages.db")]) as target:
        yield target


@contextmanager
def _stock(folder: Path, database: Sequence[str]) -> Iterator[Target]:
    port = reserve_port()
    command = [sys.executable, str(ROOT / "bench" / "targets" / "stock.py"), str(port), *database]
    with server(command, port, folder / "stock.log") as process:
        yield Target("python-socketio", "socketio", _SOCKET_IO.format(port=port), [process.pid])


@contextmanager
def node() -> Iterator[Target]:
    """Node's socket.io, nothing kept."""
    with on_disk() as folder, _node(folder, []) as target:
        yield target


@contextmanager
def node_postgres() -> Iterator[Target]:
    """The same with an insert for each message."""
    with open_postgres() as postgres, on_disk() as folder:
        postgres.create("messages")
        with _node(folder, [postgres.url("messages")]) as target:
            target.roots.append(postgres.pid)
            yield target


@contextmanager
def _node(folder: Path, database: Sequence[str]) -> Iterator[Target]:
    port, modules = reserve_port(), cache.node_modules().parent
    command = ["node", str(ROOT / "bench" / "targets" / "node.mjs"), str(port), str(modules), *database]
    process = start_server(command, port, folder / "node.log")
    target = Target("Node socket.io", "socketio", _SOCKET_IO.format(port=port), [process.pid])

    def restart() -> None:
        nonlocal process
        stop(process, SIGKILL)
        process = start_server(command, port, folder / "node.log")
        target.roots[0] = process.pid

    target.restart = restart
    try:
        yield target
    finally:
        stop(process)


@contextmanager
def centrifugo() -> Iterator[Target]:
    """In memory, everybody may subscribe and publish, no history."""
    program, port = cache.centrifugo(), reserve_port()
    settings = {
        "http_server": {"address": "127.0.0.1", "port": port},
        "client": {"insecure": True},
        "channel": {
            "without_namespace": {"allow_subscribe_for_client": True, "allow_publish_for_subscriber": True},
        },
        "log": {"level": "warn"},
    }
    with on_disk() as folder:
        config = folder / "config.json"
        config.write_text(json.dumps(settings))
        command = [str(program), "--config", str(config)]
        with server(command, port, folder / "centrifugo.log") as process:
            url = f"ws://127.0.0.1:{port}/connection/websocket"
            yield Target("Centrifugo", "centrifugo", url, [process.pid])


@contextmanager
def broadcaster() -> Iterator[Target]:
    """A loop in C that sends one framed buffer to every socket."""
    program, port = cache.broadcaster(), reserve_port()
    with on_disk() as folder, server([str(program), str(port)], port, folder / "broadcaster.log") as process:
        yield Target("a loop in C", "raw", f"ws://127.0.0.1:{port}/ROOM", [process.pid])

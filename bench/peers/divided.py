"""Ours in two processes: the facade, and all services. Between them stands what a caller without facade uses too."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.folder import on_disk
from bench.machine import ROOT
from bench.peers.ours import People, make_rooms
from bench.peers.process import server
from bench.peers.target import Target
from cli.serve import FACADE, SERVICES
from mesh.settings import Settings
from tests.ports import reserve_address, reserve_port


@dataclass(frozen=True, slots=True)
class Divided:
    """`grpc` is where the services listen, in the process `services`."""

    target: Target
    grpc: str
    services: int


@contextmanager
def divided() -> Iterator[Divided]:
    with on_disk() as folder:
        data, grpc = folder / "data", reserve_address()
        where = {f"CHAT_{name.upper()}_ADDRESS": f"ipv4:{grpc}" for name in SERVICES}
        port = reserve_port()
        http = f"http://127.0.0.1:{port}"
        with (
            _serving(list(SERVICES), int(grpc.rpartition(":")[2]), folder, CHAT_GRPC=grpc) as services,
            _serving([FACADE], port, folder, CHAT_HTTP=http.removeprefix("http://"), **where) as facade,
        ):
            people = People(Settings(data=data, sql_url=""))
            url = http.replace("http", "ws", 1) + "/ws/?EIO=4&transport=websocket"
            rooms = make_rooms(http, people)
            yield Divided(Target("ours, divided", "chat", url, [facade, services], rooms), grpc, services)


@contextmanager
def _serving(parts: list[str], port: int, folder: Path, **settings: str) -> Iterator[int]:
    """`chat serve` of these parts; its process id."""
    env = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}",
        "CHAT_DATA": str(folder / "data"),
        **dict.fromkeys(("CHAT_HTTP", "CHAT_GRPC", "CHAT_ADMIN"), "127.0.0.1:0"),
        "CHAT_LIMITS": "off",
        **settings,
    }
    command = [sys.executable, "-m", "cli.main", "serve", *parts]
    with server(command, port, folder / f"{parts[0]}.log", env) as process:
        yield process.pid

"""Tinode on PostgreSQL. Its programs are not made here: `CHAT_BENCH_TINODE` names a folder with `tinode`, `tinode-db`.

Both must be built for PostgreSQL, as its own instructions say.
"""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from bench.folder import on_disk
from bench.peers.cache import Missing
from bench.peers.postgres import SUPERUSER, Postgres, open_postgres
from bench.peers.process import server
from bench.peers.target import Room, Target
from tests.ports import reserve_port

FOLDER = "CHAT_BENCH_TINODE"
API_KEY = "AQEAAAABAAD_rAp4DJh05a1HAwFT3A6K"
"""The one that its documentation shows, made with the salt of its sample settings."""
SALT = "T713/rYYgW7g4m3vG6zGRh7+FM1t0T8j13koXScOAj4="
_NAMES = count(1)


@contextmanager
def on_postgres() -> Iterator[Target]:
    """One process, its sample settings, but for addresses and the mails that it would send."""
    programs = _programs()
    with open_postgres() as postgres, on_disk() as folder:
        postgres.create(SUPERUSER)  # Its set-up begins in the database that is called like the user.
        port = reserve_port()
        config = folder / "tinode.conf"
        config.write_text(json.dumps(_settings(port, postgres)))
        made = subprocess.run(
            [programs / "tinode-db", "--config", config, "--reset"], check=False, capture_output=True, text=True
        )
        if made.returncode:
            raise Missing(f"Tinode cannot be set up: {made.stderr[-200:]}")
        command = [str(programs / "tinode"), "--config", str(config), "--static_data", "-", "--pprof_url", ""]
        with server(command, port, folder / "tinode.log") as process:
            url = f"ws://127.0.0.1:{port}/v0/channels?apikey={API_KEY}"
            yield Target("Tinode", "tinode", url, [process.pid, postgres.pid], lambda n, m: _rooms(url, n, m))


def _programs() -> Path:
    found = Path(os.environ.get(FOLDER, ""))
    if not os.environ.get(FOLDER) or not (found / "tinode").exists() or not (found / "tinode-db").exists():
        raise Missing(f"{FOLDER} names no folder with tinode and tinode-db")
    return found


def _settings(port: int, postgres: Postgres) -> dict[str, Any]:
    database = {
        "User": SUPERUSER,
        "Passwd": "not-asked-for",
        "Host": "127.0.0.1",
        "Port": str(postgres.port),
        "DBName": "tinode",
        "SSLMode": "disable",
        "max_open_conns": 50,
        "max_idle_conns": 50,
        "conn_max_lifetime": 60,
        "sql_timeout": 10,
    }
    return {
        "listen": f"127.0.0.1:{port}",
        "api_path": "/",
        "grpc_listen": "",
        "ws_compression_disabled": True,
        "api_key_salt": SALT,
        "max_message_size": 131072,
        "max_subscriber_count": 10000,
        "auth_config": {
            "basic": {"add_to_tags": False, "min_login_length": 4, "min_password_length": 6},
            "token": {"expire_in": 1209600, "serial_num": 1, "key": "wfaY2RgF2S1OQI/ZlK+LSrp1KB2jwAdGAIHQ7JZn+Kc="},
        },
        "store_config": {
            "uid_key": "la6YsO+bNX/+XIkOqc5Svw==",
            "max_results": 1024,
            "use_adapter": "postgres",
            "adapters": {"postgres": database},
        },
        "media": {},
        "push": [],
    }


def _rooms(url: str, count: int, members: int) -> list[Room]:
    return [_room(url, members) for _ in range(count)]


def _room(url: str, members: int) -> Room:
    """A group of the first member, which the others enter by its name."""
    with ExitStack() as stack:
        people = [stack.enter_context(connect(url, compression=None, close_timeout=0.01)) for _ in range(members)]
        tokens = [_register(person) for person in people]
        topic = _ask(people[0], sub={"topic": "new"})["topic"]
        for person in people[1:]:
            _ask(person, sub={"topic": topic})
        return Room(topic, tokens)


def _register(person: ClientConnection) -> str:
    """A new account, logged in; its token."""
    _ask(person, hi={"ver": "0.22", "ua": "bench"})
    secret = base64.b64encode(f"bench{next(_NAMES)}:not-a-secret".encode()).decode()
    made = _ask(person, acc={"user": "new", "scheme": "basic", "secret": secret, "login": True})
    return str(made["params"]["token"])


def _ask(person: ClientConnection, **message: dict[str, Any]) -> dict[str, Any]:
    """Sends a message; its answer, once it comes."""
    ((kind, body),) = message.items()
    person.send(json.dumps({kind: {"id": "1", **body}}))
    while True:
        answer: dict[str, Any] = json.loads(person.recv(timeout=30)).get("ctrl", {})
        if answer.get("id") == "1":
            if answer["code"] >= 400:
                raise RuntimeError(f"Tinode refuses {kind}: {answer}")
            return answer

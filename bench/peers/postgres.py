"""A PostgreSQL of our own, so that nobody else's work counts: its defaults, each commit synced."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.folder import on_disk
from bench.peers.cache import Missing
from bench.peers.process import server
from tests.ports import reserve_port

SUPERUSER, SYSTEM_USER = "bench", "postgres"
"""Root may not run it; then the user that its package makes does."""


@dataclass(frozen=True, slots=True)
class Postgres:
    port: int
    pid: int

    def create(self, database: str) -> str:
        """The SQLAlchemy URL of a new database; tables are made outside any schema of their own."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database}".encode())
        return self.url(database).replace("postgresql", "postgresql+psycopg", 1) + "?options=-csearch_path=public"

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"


@contextmanager
def open_postgres() -> Iterator[Postgres]:
    user = SYSTEM_USER if os.getuid() == 0 else None
    with on_disk() as folder:
        folder.chmod(0o755)
        data, port = folder / "postgres", reserve_port()
        data.mkdir()
        if user:
            shutil.chown(data, user)
        made = subprocess.run(
            [_program("initdb"), "-D", data, "-U", SUPERUSER, "--auth=trust"],
            user=user,
            cwd=data,
            check=False,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise Missing(f"PostgreSQL cannot be set up: {made.stderr.strip()[-200:]}")
        command = [_program("postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", ""]
        with server(command, port, folder / "postgres.log", user=user) as process:
            _ready(port)
            yield Postgres(port, process.pid)


def _ready(port: int) -> None:
    """The port is open a moment before it takes queries."""
    for _ in range(200):
        with suppress(psycopg.OperationalError):
            psycopg.connect(f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres").close()
            return
        time.sleep(0.05)
    raise RuntimeError("PostgreSQL takes no queries")


def _program(name: str) -> str:
    found: Sequence[Path] = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = shutil.which(name) or (str(found[-1]) if found else "")
    if not path:
        raise Missing(f"PostgreSQL is not installed: there is no {name}")
    return path

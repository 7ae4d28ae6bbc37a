"""A running system, reached only as its users reach it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.postgres import database_settings
from tests.contract.databases import POSTGRES
from tests.e2e.clients import Clients, open_clients

ROOT = Path(__file__).parent.parent.parent
READY = re.compile(
    r"ready: (http://\S+)[\s\S]*?password (\S+)[\s\S]*?^grpc +(\S+)$[\s\S]*?^admin +(\S+)$", re.MULTILINE
)


@dataclass
class Server:
    """One `chat serve`: where it listens, and what its seeded users log in with."""

    process: subprocess.Popen[str]
    data: Path
    log: Path
    http: str
    password: str
    grpc: str
    admin: str
    sql_url: str = ""
    """Database of the user service; SQLite below `data` when empty."""

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends the process; its exit code."""
        self.process.send_signal(how)
        self.process.communicate(timeout=30)
        return self.process.returncode


def start(data: Path, **settings: str) -> Server:
    """Starts `chat serve` over the data in `data` on free ports, and waits until it is ready."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(path) for path in (ROOT, ROOT / "gen")),
        "CHAT_DATA": str(data),
        **dict.fromkeys(("CHAT_HTTP", "CHAT_GRPC", "CHAT_ADMIN"), "127.0.0.1:0"),
        "CHAT_LIMITS": "off",  # Nobody types as fast as a test.
        **settings,
    }
    log = data.parent / f"{data.name}.log"
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "serve"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert process.stdout is not None
    said = ""
    while not (match := READY.search(said)):
        line = process.stdout.readline()
        assert line, f"The server ended: {said}{log.read_text()}"
        said += line
    http, password, grpc, admin = match.groups()
    return Server(process, data, log, http, password, grpc, admin, settings.get("CHAT_SQL_URL", ""))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a worker, on PostgreSQL where CHAT_TEST_POSTGRES_URL names one."""
    with database_settings(bool(POSTGRES)) as databases:
        running = start(tmp_path_factory.mktemp("server") / "data", **databases)
        yield running
        assert running.stop() == 0


@pytest.fixture
async def clients(server: Server) -> AsyncIterator[Clients]:
    """Clients of that server, for one test."""
    async with open_clients(server.http, server.grpc) as clients:
        yield clients

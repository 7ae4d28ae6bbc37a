"""The command line loads what a command needs and no more, so that a client command starts at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("grpc", "sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "socketio", "facade", "services", "mesh")


DRIVERS = ("redis", "psycopg", "httpx2", "aiosmtplib", "alembic")
OF_SERVERS = ("sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "socketio", "facade", "services")


@pytest.mark.parametrize("package", HEAVY)
def test_the_command_line_loads_no_server(package: str, loaded: frozenset[str]) -> None:
    """Importing the command line loads neither the server nor a driver."""
    assert package not in loaded


@pytest.mark.parametrize("package", OF_SERVERS)
def test_the_commands_of_the_operator_load_no_server(package: str, loaded_to_ask: frozenset[str]) -> None:
    """They load what it takes to call, and nothing that answers."""
    assert "grpc" in loaded_to_ask
    assert package not in loaded_to_ask


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_server_loads_a_driver_only_when_a_url_asks_for_it(driver: str, loaded_to_serve: frozenset[str]) -> None:
    """Starting takes time and memory as it is."""
    assert "socketio" in loaded_to_serve
    assert driver not in loaded_to_serve


@pytest.fixture(scope="module")
def loaded_to_serve() -> frozenset[str]:
    """The same after what `chat serve` imports."""
    return modules("import cli.serve")


@pytest.fixture(scope="module")
def loaded() -> frozenset[str]:
    """Names of all modules after `import cli.main` in a fresh interpreter."""
    return modules("import cli.main")


@pytest.fixture(scope="module")
def loaded_to_ask() -> frozenset[str]:
    """The same after a command that nobody answers."""
    return modules(
        "import typer.testing, cli.main; typer.testing.CliRunner().invoke(cli.main.app, ['audit', 'verify'])"
    )


def modules(program: str) -> frozenset[str]:
    command = [sys.executable, "-c", f"{program}; import sys; print(*sys.modules)"]
    path = os.pathsep.join(map(str, (ROOT, ROOT / "gen")))
    environment = {**os.environ, "PYTHONPATH": path, "CHAT_SECRET": "x" * 32, "CHAT_GRPC": "127.0.0.1:1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return frozenset(done.stdout.split())

"""The command line loads what a command needs and no more, so that a client command starts at once."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("grpc", "sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "socketio", "facade", "services", "mesh")


@pytest.mark.parametrize("package", HEAVY)
def test_the_command_line_loads_no_server(package: str, loaded: frozenset[str]) -> None:
    """Importing the command line loads neither the server nor a driver."""
    assert package not in loaded


@pytest.fixture(scope="module")
def loaded() -> frozenset[str]:
    """Names of all modules after `import cli.main` in a fresh interpreter."""
    program = "import sys, cli.main; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    return frozenset(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split())

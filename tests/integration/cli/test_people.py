"""`chat users` and `chat workspaces`, against a user service that is there."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.serve import serving
from mesh.settings import Settings
from tests.integration.conftest import ANY, target

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """Runs a command with the data of the installation, which hold its secret."""
    async with serving(Settings(data=tmp_path, http=ANY, grpc=ANY, admin=ANY), ["user"]) as banner:
        monkeypatch.setenv("CHAT_DATA", str(tmp_path))
        monkeypatch.setenv("CHAT_USER_ADDRESS", target(banner))
        yield lambda *words: asyncio.to_thread(lambda: CliRunner().invoke(app, words))


async def said(run: Run, *words: str) -> tuple[int, list[str]]:
    result = await run(*words)
    # The service in the same process logs to the same place.
    lines = [line.rstrip() for line in result.output.splitlines() if not re.match(r"\d{4}-\d\d-\d\d ", line)]
    return result.exit_code, lines


async def test_an_operator_makes_admins(run: Run) -> None:
    """By name; what is refused says why, with exit code 2."""
    assert await said(run, "users", "grant", "bob", "admin") == (0, ["bob in default has the role admin"])
    assert await said(run, "users", "grant", "ALICE", "user") == (0, ["alice in default has the role user"])
    code, [line] = await said(run, "users", "grant", "bob", "user")
    assert (code, line.endswith("(LAST_ADMIN)")) == (2, True)
    for words in (("nobody", "admin"), ("bob", "admin", "--workspace", "nowhere")):
        code, [line] = await said(run, "users", "grant", *words)
        assert (code, line.endswith("_NOT_FOUND)")) == (2, True)


async def test_an_operator_makes_workspaces(run: Run) -> None:
    """Which are listed by id."""
    assert await said(run, "workspaces", "create", "acme", "--name", "Acme Inc.") == (0, ["acme  Acme Inc."])
    assert await said(run, "workspaces", "create", "acme") == (
        2,
        ["chat: Another workspace has this id. (WORKSPACE_TAKEN)"],
    )
    code, [line] = await said(run, "workspaces", "create", "Not An Id")
    assert (code, line.endswith("(INVALID_REQUEST)")) == (2, True)
    code, lines = await said(run, "workspaces", "list")
    assert (code, [line.split() for line in lines]) == (0, [["acme", "Acme", "Inc."], ["default", "Default"]])

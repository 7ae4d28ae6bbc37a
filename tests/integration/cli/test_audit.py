"""`chat audit verify`, against services that answer over TCP."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner, Result

from chat.message.v1 import audit_service_pb2 as message
from chat.message.v1.audit_service_pb2_grpc import AuditServiceServicer, add_AuditServiceServicer_to_server
from chat.user.v1 import administration_service_pb2 as user
from chat.user.v1.administration_service_pb2_grpc import (
    AdministrationServiceServicer,
    add_AdministrationServiceServicer_to_server,
)
from cli.main import app
from mesh.call.interceptors import AdmissionInterceptor, ErrorInterceptor
from mesh.identity.proof import Proofs
from mesh.identity.verifier import Verifier
from mesh.sealing import installation_secret
from mesh.settings import Settings

SECRET = "the secret of this installation, and long enough"
Run = Callable[[], Awaitable[Result]]


class Administration(AdministrationServiceServicer):
    verdict = user.VerifyAuditResponse(entries=12)

    async def VerifyAudit(self, request: user.VerifyAuditRequest, context: object) -> user.VerifyAuditResponse:
        return self.verdict


class Audit(AuditServiceServicer):
    verdict = message.VerifyAuditResponse(entries=3)

    async def VerifyAudit(self, request: message.VerifyAuditRequest, context: object) -> message.VerifyAuditResponse:
        return self.verdict


@pytest.fixture
def administration() -> Administration:
    return Administration()  # type: ignore[abstract]  # It answers one method.


@pytest.fixture
async def run(administration: Administration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """Runs the command with the settings of the installation."""
    proofs = Proofs(installation_secret(Settings(secret=SECRET)))
    server = grpc.aio.server(interceptors=[ErrorInterceptor(), AdmissionInterceptor(_nobody(), proofs)])
    add_AdministrationServiceServicer_to_server(administration, server)
    add_AuditServiceServicer_to_server(Audit(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    for name, value in {"SECRET": SECRET, "GRPC": f"127.0.0.1:{port}", "DATA": str(tmp_path)}.items():
        monkeypatch.setenv(f"CHAT_{name}", value)
    yield lambda: asyncio.to_thread(lambda: CliRunner().invoke(app, ["audit", "verify"]))
    await server.stop(None)


def _nobody() -> Verifier:
    async def none() -> list[dict[str, str]]:
        return []

    return Verifier(none)


async def test_logs_that_are_whole(run: Run) -> None:
    """It says how much was checked."""
    result = await run()
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "user     12 entries checked, as written",
        "message  3 entries checked, as written",
    ]


async def test_a_log_that_was_changed(run: Run, administration: Administration) -> None:
    """It says where, and exits with 1."""
    administration.verdict = user.VerifyAuditResponse(entries=4, broken_seq=5, detail="The entry was changed.")
    result = await run()
    assert result.exit_code == 1
    assert result.output.splitlines()[0] == "user     4 entries checked, broken at entry 5: The entry was changed."


async def test_somebody_without_the_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are refused, and the exit code tells that nothing was checked."""
    monkeypatch.setenv("CHAT_SECRET", "another secret that is as long as it should be")
    result = await run()
    assert result.exit_code == 2
    assert "MESH_ONLY" in result.stderr


async def test_no_installation(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is made where none is."""
    monkeypatch.delenv("CHAT_SECRET")
    result = await run()
    assert result.exit_code == 2
    assert "there is no installation" in result.stderr
    assert os.listdir(tmp_path) == []


async def test_nobody_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, without a traceback."""
    monkeypatch.setenv("CHAT_GRPC", "127.0.0.1:1")
    result = await run()
    assert result.exit_code == 2
    assert result.stderr == "chat: A part that is needed does not answer. Try again. (UNAVAILABLE)\n"


async def test_settings_that_are_wrong(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are named."""
    monkeypatch.setenv("CHAT_LOG", "loud")
    result = await run()
    assert result.exit_code == 2
    assert "log" in result.stderr

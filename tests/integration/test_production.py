"""A database of development does not go into production."""

import asyncio
from pathlib import Path

import pytest

from cli.serve import main, serving
from mesh.settings import Settings
from tests.integration.conftest import ANY

SECRET = "Zk3vR8qLw2Xy7Tn5Bm9Hc4Jd6Gf1Sp0AeUiOo"


async def start_and_stop(settings: Settings) -> None:
    async with serving(settings, ["user"]):
        pass


def test_seeded_users_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the setting, exit code 2, no traceback."""
    listeners = {"http": ANY, "grpc": ANY, "admin": ANY}
    asyncio.run(start_and_stop(Settings(data=tmp_path, secret=SECRET, **listeners)))  # type: ignore[arg-type]
    monkeypatch.setattr("cli.serve.configure_logs", lambda *_: None)  # It would outlive the captured stderr.
    for name, value in {
        "ENV": "production",
        "DATA": str(tmp_path),
        "SECRET": SECRET,
        "SMTP_URL": "smtp://127.0.0.1:1",
        "PUBLIC_URL": "https://chat.example.com",
        **{name.upper(): value for name, value in listeners.items()},
    }.items():
        monkeypatch.setenv(f"CHAT_{name}", value)
    assert main(["user"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("chat: CHAT_ENV=production, but the database has users of development")
    assert error.count("\n") == 1

"""The README's blocks, run as a reader would, against a running system."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Server, start

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks in a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A fresh one: the README counts from the first message."""
    running = start(tmp_path_factory.mktemp("readme") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture
def folder(server: Server, tmp_path: Path) -> Path:
    """A folder like the reader's, where .chat holds the data of the running system."""
    (tmp_path / ".chat").symlink_to(server.data)
    return tmp_path


def shell(script: str, server: Server, folder: Path) -> str:
    """Runs a script with the ports of the running system; what it printed."""
    script = script.replace("http://127.0.0.1:8080", server.http).replace("127.0.0.1:50051", server.grpc)
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "CHAT_URL": server.http},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def first_steps() -> tuple[str, str]:
    """The block that logs in and sends, and the one that follows the feed."""
    return blocks("sh")[1], blocks("sh")[2]


def test_the_first_five_minutes(server: Server, folder: Path) -> None:
    """Log in, send, repeat, break something, read, follow."""
    send, follow = first_steps()
    said = shell(send + follow, server, folder)
    lines = said.replace("}{", "}\n{").splitlines()
    first, again, conflict, typo = lines[:4]
    assert first == again
    assert '"code":"CLIENT_MSG_ID_CONFLICT"' in conflict
    assert "did you mean `text`?" in typo
    assert '"items":[{' in lines[4]
    assert '"ready":{' in lines[5]
    assert '"type":"message-new"' in said


def test_the_python_client(server: Server, folder: Path) -> None:
    """Ten lines that resume, print and send."""
    (folder / "client.py").write_text(blocks("python")[0])
    said = shell(first_steps()[0] + f"export TOKEN CONVERSATION; {sys.executable} client.py", server, folder)
    assert "2 Hello Bob\n" in said
    assert "'ok': True" in said


@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
def test_the_javascript_client(server: Server, folder: Path) -> None:
    """The same with the official client."""
    (folder / "client.mjs").write_text(blocks("js")[0])
    install = "npm install --silent --no-audit --no-fund socket.io-client >/dev/null;"
    said = shell(first_steps()[0] + install + "export TOKEN CONVERSATION; node client.mjs", server, folder)
    assert "2 Hello Bob\n" in said
    assert "ok: true" in said


@pytest.mark.skipif(not shutil.which("grpcurl"), reason="grpcurl is not installed")
def test_the_grpcurl_lines(server: Server, folder: Path) -> None:
    """Reflection lists the services, and a message is sent."""
    said = shell(first_steps()[0] + blocks("sh")[3], server, folder)
    assert "chat.message.v1.MessageService" in said
    assert '"text": "Hi from gRPC"' in said

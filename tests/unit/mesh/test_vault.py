"""Settings from a secret store, asked over HTTP."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mesh.settings import Settings

TOKEN = "t" * 24
KEPT: dict[str, Any] = {
    "/v1/secret/data/chat": {"data": {"data": {"key": "k" * 40, "smtp": "smtp://mail"}, "metadata": {"version": 3}}},
    "/v1/old/chat": {"data": {"key": "o" * 40}},
    "/v1/secret/data/list": {"data": ["no", "secrets"]},
}


class Store(ThreadingHTTPServer):
    """Answers as the HTTP API of Vault does, for one token."""

    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Store

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        allowed = self.headers["X-Vault-Token"] == TOKEN
        status = 403 if not allowed else 200 if self.path in KEPT else 404
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(KEPT[self.path] if status == 200 else {"errors": [TOKEN]}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    server = Store(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("CHAT_VAULT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("CHAT_VAULT_TOKEN", TOKEN)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("place", "value"), [("secret/data/chat#key", "k" * 40), ("/old/chat#key", "o" * 40)])
def test_a_setting_is_read_where_it_is_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch, place: str, value: str
) -> None:
    """In both versions of the API."""
    monkeypatch.setenv("CHAT_SECRET_VAULT", place)
    assert Settings().secret == value


def test_a_path_is_asked_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it holds of ours."""
    monkeypatch.setenv("CHAT_SECRET_VAULT", "secret/data/chat#key")
    monkeypatch.setenv("CHAT_SMTP_URL_VAULT", "secret/data/chat#smtp")
    assert Settings().smtp_url == "smtp://mail"
    assert store.asked == ["/v1/secret/data/chat"]


def test_what_is_set_outright_counts_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment over the store, and the token may stand in a file."""
    monkeypatch.setenv("CHAT_SECRET_VAULT", "secret/data/chat#key")
    monkeypatch.setenv("CHAT_SECRET", "e" * 40)
    assert Settings().secret == "e" * 40


def test_the_token_may_stand_in_a_file(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As orchestrators mount it."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.delenv("CHAT_VAULT_TOKEN")
    monkeypatch.setenv("CHAT_VAULT_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("CHAT_SECRET_VAULT", "secret/data/chat#key")
    assert Settings().secret == "k" * 40


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("secret/data/chat", "a path and a key"),
        ("secret/data/chat#none", "no none at secret/data/chat"),
        ("secret/data/gone#key", "answers 404"),
        ("secret/data/list#key", "no secrets at"),
    ],
)
def test_what_cannot_be_read_is_told(store: Store, monkeypatch: pytest.MonkeyPatch, place: str, problem: str) -> None:
    """What is wrong with which place, and nothing of what the store said."""
    monkeypatch.setenv("CHAT_SECRET_VAULT", place)
    with pytest.raises(ValueError, match=problem) as caught:
        Settings()
    assert TOKEN not in str(caught.value)


def test_a_store_that_refuses_or_is_away_stops_the_start(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is missing is never made up."""
    monkeypatch.setenv("CHAT_SECRET_VAULT", "secret/data/chat#key")
    monkeypatch.setenv("CHAT_VAULT_TOKEN", "wrong")
    with pytest.raises(ValueError, match="answers 403"):
        Settings()
    monkeypatch.setenv("CHAT_VAULT_URL", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="does not answer"):
        Settings()
    monkeypatch.delenv("CHAT_VAULT_URL")
    with pytest.raises(ValueError, match="set CHAT_VAULT_URL"):
        Settings()

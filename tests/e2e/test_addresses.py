"""Credentials that stand in an address are kept nowhere."""

from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.conftest import start

CANARY = "canary-8d1f"


def test_a_query_reaches_neither_the_log_nor_a_span(tmp_path: Path) -> None:
    """At the most talkative level, whether it was refused for its credentials or for something else."""
    server = start(tmp_path / "data", CHAT_LOG_LEVEL="debug")
    handshake = server.http.replace("http", "ws") + "/ws/?EIO=4&transport=websocket"
    with httpx2.Client(base_url=server.http) as client:
        for path in ("/api/users/me?token", "/api/users/me?x", "/api/nothing?x", "/ws/?ticket", "/ws/?x", "/demo?x"):
            answer = client.get(f"{path}={CANARY}")
            if trace_id := answer.headers.get("x-trace-id"):
                assert CANARY not in client.get(f"/dev/traces/{trace_id}").text
    for query in (f"token={CANARY}", f"sid={CANARY}"):
        with pytest.raises(InvalidStatus):
            connect(f"{handshake}&{query}")
    assert server.stop() == 0
    log = server.log.read_text()
    assert "/api/users/me" in log
    assert CANARY not in log

"""What the admin port answers to probes and scrapers."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from mesh.admin import admin_app
from mesh.telemetry.metrics import Metrics


class Host:
    def __init__(self) -> None:
        self.health = {"user": "serving", "message": "serving"}
        self.ready = True
        self.registry = CollectorRegistry()


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def client(host: Host) -> Iterator[TestClient]:
    with TestClient(admin_app(lambda: host.health, lambda: host.ready, host.registry)) as client:
        yield client


def test_healthy_when_all_serve(client: TestClient) -> None:
    """200 with each hosted service by name."""
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "serving", "services": {"user": "serving", "message": "serving"}},
    )


def test_unhealthy_when_one_does_not_serve(host: Host, client: TestClient) -> None:
    """503, and the body says which."""
    host.health["message"] = "starting"
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "not-serving")
    assert answer.json()["services"] == {"user": "serving", "message": "starting"}


def test_draining_is_not_ready_but_healthy(host: Host, client: TestClient) -> None:
    """A draining process asks for no new work while it still serves."""
    assert client.get("/ready").status_code == 200
    host.ready = False
    assert (client.get("/ready").status_code, client.get("/ready").json()) == (503, {"ready": False})
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("*/*", "text/plain"), ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text")],
)
def test_metrics_in_the_form_that_is_asked_for(host: Host, client: TestClient, accept: str, content_type: str) -> None:
    """Prometheus text, or OpenMetrics for scrapers that ask for it."""
    Metrics(host.registry).sockets.set(3)
    answer = client.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith(content_type)
    assert "chat_sockets 3.0" in answer.text


def test_only_reading(client: TestClient) -> None:
    """Nothing can be posted here."""
    assert client.post("/health").status_code == 405

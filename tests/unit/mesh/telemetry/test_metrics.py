"""The names that dashboards rely on, and labels that cannot grow without end."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from mesh.telemetry.metrics import Metrics, new_registry

LOGIN = "/chat.user.v1.SessionService/Login"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


def test_calls_are_timed_by_method_and_code(registry: CollectorRegistry, metrics: Metrics) -> None:
    """An announced method has its own label, without the slash; server and client apart."""
    metrics.rpc_server.announce([LOGIN])
    metrics.rpc_server(LOGIN, "OK").observe(0.2)
    metrics.rpc_server(LOGIN, "OK").observe(0.3)
    labels = {"method": "chat.user.v1.SessionService/Login", "code": "OK"}
    assert registry.get_sample_value("chat_rpc_server_seconds_count", labels) == 2
    assert registry.get_sample_value("chat_rpc_server_seconds_sum", labels) == pytest.approx(0.5)
    assert registry.get_sample_value("chat_rpc_client_seconds_count", labels) is None


def test_unknown_names_share_one_label(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Whatever a client makes up is counted as `_other`: labels do not grow."""
    for n in range(50):
        metrics.rpc_server(f"/made.up/M{n}", "UNIMPLEMENTED").observe(0.1)
        metrics.socket_events(f"event-{n}", "UNKNOWN_EVENT").inc()
    labels = {"method": "_other", "code": "UNIMPLEMENTED"}
    assert registry.get_sample_value("chat_rpc_server_seconds_count", labels) == 50
    labels = {"event": "_other", "code": "UNKNOWN_EVENT"}
    assert registry.get_sample_value("chat_socket_events_total", labels) == 50


def test_name_announced_late_gets_its_label(registry: CollectorRegistry, metrics: Metrics) -> None:
    """What was `_other` before has its own label from the announcement on."""
    metrics.socket_events("typing", "OK").inc()
    metrics.socket_events.announce(["typing"])
    metrics.socket_events("typing", "OK").inc()
    assert registry.get_sample_value("chat_socket_events_total", {"event": "_other", "code": "OK"}) == 1
    assert registry.get_sample_value("chat_socket_events_total", {"event": "typing", "code": "OK"}) == 1


def test_names_that_dashboards_use(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Each metric is exposed under its documented name."""
    metrics.server_streams.inc()
    metrics.client_streams.inc(2)
    metrics.messages_committed.inc(3)
    metrics.commit_batch_size.observe(4)
    metrics.commit_seconds.observe(0.01)
    metrics.sockets.set(5)
    metrics.deliveries.inc(6)
    metrics.outbox_rows("user").set(7)
    metrics.loop_lag.observe(0.1)
    expected = {
        ("chat_rpc_streams", "server"): 1,
        ("chat_rpc_streams", "client"): 2,
        ("chat_messages_committed_total", ""): 3,
        ("chat_commit_batch_size_sum", ""): 4,
        ("chat_commit_seconds_count", ""): 1,
        ("chat_sockets", ""): 5,
        ("chat_deliveries_total", ""): 6,
        ("chat_event_loop_lag_seconds_count", ""): 1,
    }
    for (name, side), value in expected.items():
        assert registry.get_sample_value(name, {"side": side} if side else {}) == value, name
    assert registry.get_sample_value("chat_outbox_rows", {"service": "user"}) == 7


def test_two_processes_worth_in_one() -> None:
    """Registries are apart: two can live in one process, each with figures of the process."""
    one, two = new_registry(), new_registry()
    Metrics(one).sockets.set(1)
    Metrics(two).sockets.set(2)
    assert (one.get_sample_value("chat_sockets"), two.get_sample_value("chat_sockets")) == (1, 2)
    assert b"process_resident_memory_bytes" in generate_latest(one)

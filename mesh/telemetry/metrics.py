"""What is counted and timed, under fixed names, in a registry that is passed in.

Names that a client chooses (methods, events) become labels only when they were announced; all others are `_other`.
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector

OTHER = "_other"
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)

Child = TypeVar("Child")


def new_registry() -> CollectorRegistry:
    """A registry that also tells of this process: memory, CPU seconds, open files, garbage collection."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Labelled(Generic[Child]):
    """The children of one metric by announced name and code. They are looked up here since `labels()` is slow."""

    def __init__(self, child: Callable[[str, str], Child]) -> None:
        self._child = child
        self._names: set[str] = set()
        self._children: dict[tuple[str, str], Child] = {}

    def announce(self, names: Iterable[str]) -> None:
        """Gives each of `names` its own label. Names of methods are `/package.Service/Method`."""
        self._names.update(names)

    def __call__(self, name: str, code: str) -> Child:
        key = (name if name in self._names else OTHER, code)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._child(key[0].removeprefix("/"), code)
        return child


class Metrics:
    """The metrics of a process. `metrics.rpc_server(method, code).observe(seconds)`, `metrics.deliveries.inc(n)`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def calls(side: str, text: str) -> Labelled[Histogram]:
            labels = ("method", "code")
            return Labelled(
                Histogram(f"chat_rpc_{side}_seconds", text, labels, buckets=SECONDS, registry=registry).labels
            )

        streams = Gauge("chat_rpc_streams", "Streams that are open.", ("side",), registry=registry)
        events = Counter("chat_socket_events", "Events from sockets.", ("event", "code"), registry=registry)
        self.rpc_server = calls("server", "Seconds to serve a call.")
        self.rpc_client = calls("client", "Seconds that a call to another service took.")
        self.server_streams = streams.labels("server")
        self.client_streams = streams.labels("client")
        self.messages_committed = Counter(
            "chat_messages_committed", "Messages that are on disk, without repeats.", registry=registry
        )
        self.commit_batch_size = Histogram(
            "chat_commit_batch_size", "Commands in one transaction.", buckets=SIZES, registry=registry
        )
        self.commit_seconds = Histogram(
            "chat_commit_seconds", "Seconds of a transaction of the writer.", buckets=SECONDS, registry=registry
        )
        self.sockets = Gauge("chat_sockets", "Sockets that are connected.", registry=registry)
        self.socket_events = Labelled(events.labels)
        self.deliveries = Counter("chat_deliveries", "Events written to sockets.", registry=registry)
        self.rate_limited = Counter(
            "chat_rate_limited", "Charges that a rate limit refused.", ("policy", "scope"), registry=registry
        )
        self.limits_alone = Gauge(
            "chat_limits_alone", "1 while Redis does not answer and limits are kept by shares.", registry=registry
        )
        self.mails_waiting = Gauge("chat_mails_waiting", "Mails that are not sent yet.", registry=registry)
        self.previews_dropped = Counter(
            "chat_previews_dropped", "Messages whose links were not looked at: too many waited.", registry=registry
        )
        self._outbox = Gauge(
            "chat_outbox_rows",
            "Rows that a relay saw waiting, at most a batch.",
            ("service",),
            registry=registry,
        )
        self.loop_lag = Histogram(
            "chat_event_loop_lag_seconds", "How late the event loop ran a timer.", buckets=SECONDS, registry=registry
        )

    def outbox_rows(self, service: str) -> Gauge:
        """How many rows of a service's outbox wait to be published."""
        return self._outbox.labels(service)

"""Puts back what configuring traces changes in a process of tests."""

from collections.abc import Callable, Iterator

import pytest

from mesh.telemetry.ring import TraceRing
from mesh.telemetry.tracing import Tracing, configure_tracing


@pytest.fixture
def start_tracing() -> Iterator[Callable[..., Tracing]]:
    started: list[Tracing] = []

    def start(environ: dict[str, str] | None = None) -> Tracing:
        started.append(configure_tracing(ring=TraceRing(), environ=environ or {}))
        return started[-1]

    yield start
    for tracing in started:
        tracing.shutdown()

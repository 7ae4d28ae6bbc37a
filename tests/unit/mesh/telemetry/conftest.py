"""Puts back what configuring logs and traces changes in the process."""

import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from mesh.telemetry.logs import HANDLER, OWN_MINDED
from mesh.telemetry.ring import TraceRing
from mesh.telemetry.tracing import Tracing, configure_tracing


@pytest.fixture
def restored_logs() -> Iterator[None]:
    loggers = [logging.getLogger(), *map(logging.getLogger, OWN_MINDED)]
    levels = [logger.level for logger in loggers]
    yield
    structlog.reset_defaults()
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if handler.name != HANDLER]


@pytest.fixture
def start_tracing() -> Iterator[Callable[..., Tracing]]:
    started: list[Tracing] = []

    def start(environ: dict[str, str] | None = None) -> Tracing:
        started.append(configure_tracing(ring=TraceRing(), environ=environ or {}))
        return started[-1]

    yield start
    for tracing in started:
        tracing.shutdown()

"""Puts back what configuring logs changes in a process of tests."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from mesh.telemetry.logs import HANDLER, OWN_MINDED


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

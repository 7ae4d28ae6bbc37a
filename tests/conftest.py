"""What all tests share: how many run at once, and logs that are put back as they were."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog

from mesh.telemetry.logs import HANDLER, OWN_MINDED


def pytest_xdist_auto_num_workers() -> int:
    """Two more than processors: tests of whole systems wait for half of their time."""
    return (os.cpu_count() or 1) + 2


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

"""Faults of ours: the log gets the whole story, the caller an id that finds it there, never its text."""

from uuid import uuid4

import structlog

from mesh.errors import Internal

log = structlog.get_logger(__name__)


def unexpected(error: BaseException, **where: str) -> Internal:
    """Logs an error that nobody foresaw, with `where` it came up; what the caller is told of it."""
    error_id = uuid4().hex
    log.error("unexpected error", error_id=error_id, exc_info=error, **where)
    return Internal("INTERNAL", "Something went wrong on our side.", metadata={"error_id": error_id})

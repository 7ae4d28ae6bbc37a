"""What the errors of drivers mean to callers: that the database cannot be used now, or that a unit of work lost."""

from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, TimeoutError

from mesh.errors import Unavailable

RETRY_AFTER_S = 1.0

# By SQLSTATE, or its first two characters, where these stand for all.
_OUTAGES = (
    "08",  # the connection
    "25006",  # the server has become a replica
    "25P03",  # the transaction idled for too long
    "53",  # its disk, memory or connections are used up
    "55P03",  # a lock was not to be had in time
    "57",  # it shuts down, starts up, or has cancelled the statement
    "58",  # its machine
)
_LOST = ("40001", "40P01")
"""A conflict or a deadlock with another transaction: done again, it may well succeed."""
_SQLITE_OUTAGES = frozenset((5, 6, 7, 8, 10, 13, 14))
"""Busy, locked, out of memory, read-only, the disk's fault, full, cannot open."""

log = structlog.get_logger()


def is_lost(error: DBAPIError) -> bool:
    """Whether the transaction lost against another one, and the same work may be done again."""
    return _state(error.orig) in _LOST


def outage(error: DBAPIError | TimeoutError) -> Unavailable | None:
    """What to tell the caller when the database cannot be used now; None for errors of another kind."""
    if not isinstance(error, TimeoutError) and not _is_outage(error):
        return None
    log.warning("the database cannot be used", error=str(getattr(error, "orig", error)).strip())
    return Unavailable("UNAVAILABLE", "The database cannot be used now. Try again.", retry_after_s=RETRY_AFTER_S)


def _is_outage(error: DBAPIError) -> bool:
    origin: Any = error.orig
    code = getattr(origin, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_OUTAGES
    state = _state(origin)
    if state:
        return is_lost(error) or state.startswith(_OUTAGES)
    # Without a state the server has said nothing: the connection broke, or there never was one.
    return error.connection_invalidated or type(origin).__name__ in ("OperationalError", "ConnectionTimeout")


def _state(origin: Any) -> str:
    return getattr(origin, "sqlstate", None) or ""

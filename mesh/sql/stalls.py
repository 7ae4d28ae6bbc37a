"""Cuts connections whose server has gone silent, which no time-out of a driver notices: its machine still answers.

Every statement is bounded by the server. One that lasts longer than that by far has lost its server, and the thread
that waits for it would wait for ever.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

from mesh.errors import Unavailable

STALLED_S = 10.0
LOOK_S = 1.0
TRUSTED_S = 1.0
"""How long a connection that was given back is not tried again: that is a statement more for each transaction."""
_GIVEN_BACK = "given back"

log = structlog.get_logger()
_thread = threading.local()


class Hold:
    """The connection that a unit of work holds in its thread, and since when it waits for the server."""

    def __init__(self) -> None:
        self._driver: Any = None
        self.is_cut = False
        self._lock = threading.Lock()
        self.since = time.monotonic()

    def take(self, driver: Any) -> None:
        """Begins to hold a connection. Raises Unavailable when it is too late for that."""
        with self._lock:
            if self.is_cut:
                raise Unavailable("UNAVAILABLE", "The database does not answer. Try again.", retry_after_s=1)
            self._driver = driver

    def give_back(self) -> None:
        with self._lock:
            self._driver = None

    def cut(self) -> None:
        """Ends the connection, from another thread than the one that waits for it."""
        with self._lock:
            self.is_cut = True
            if self._driver is not None and not self._driver.closed:
                with socket.socket(fileno=os.dup(self._driver.fileno())) as end:
                    end.shutdown(socket.SHUT_RDWR)


class Holds:
    """What the units of work of one database hold at the moment."""

    def __init__(self) -> None:
        self._held: set[Hold] = set()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Around a unit of work, in its thread."""
        _thread.hold = hold = Hold()
        self._held.add(hold)
        try:
            yield
        finally:
            self._held.discard(hold)
            _thread.hold = None

    async def cut_stalled(self) -> None:
        """Looks again and again for what waits too long; ends when it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            now = time.monotonic()
            for hold in list(self._held):
                if now - hold.since > STALLED_S and not hold.is_cut:
                    log.warning("a connection of the database is cut: its server is silent")
                    hold.cut()


def watch(engine: Engine) -> None:
    """Lets holds know their connections, which are tried when they are taken from the pool after a while."""

    def taken(driver: Any, record: Any, _proxy: object) -> None:
        hold = getattr(_thread, "hold", None)
        if hold is not None:
            hold.take(driver)
        if record.fresh or time.monotonic() - record.info.get(_GIVEN_BACK, 0.0) < TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(driver)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("The connection is gone.") from error

    def given_back(_driver: object, record: Any) -> None:
        record.info[_GIVEN_BACK] = time.monotonic()
        hold = getattr(_thread, "hold", None)
        if hold is not None:
            hold.give_back()

    def waits(*_: object) -> None:
        hold = getattr(_thread, "hold", None)
        if hold is not None:
            hold.since = time.monotonic()

    event.listen(engine, "checkout", taken)
    event.listen(engine, "checkin", given_back)
    event.listen(engine, "before_cursor_execute", waits)

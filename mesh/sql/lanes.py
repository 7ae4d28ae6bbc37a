"""Threads that run units of work on one engine: so many at a time, and so many that wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, TimeoutError

from mesh.errors import Unavailable
from mesh.sql.outages import is_lost, outage
from mesh.sql.stalls import Holds

MAX_WAITING = 1000

T = TypeVar("T")


class Lane:
    """Each unit of work is one transaction. One that lost against another transaction is done once more."""

    def __init__(self, engine: Engine, threads: int, name: str, holds: Holds) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._holds = holds
        self._waiting = 0

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns. Raises Unavailable (OVERLOADED, UNAVAILABLE)."""
        return await self.call(lambda: self._transact(work))

    async def call(self, work: Callable[[], T]) -> T:
        """The same without a transaction."""
        if self._waiting >= MAX_WAITING:
            raise Unavailable("OVERLOADED", "The database has too much to do. Try again.", retry_after_s=1)
        given_up = False

        def unit() -> T:
            if given_up:
                raise asyncio.CancelledError
            return work()

        self._waiting += 1
        # Shielded: what nobody waits for any more still counts as waiting until its turn has come.
        done = asyncio.wrap_future(self._threads.submit(unit))
        done.add_done_callback(self._done)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            given_up = True
            raise

    def close(self) -> None:
        """Waits for the units of work that run."""
        self._threads.shutdown()

    def _done(self, _: object) -> None:
        self._waiting -= 1

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with self._holds.hold():
            try:
                try:
                    return self._once(work)
                except DBAPIError as error:
                    if not is_lost(error):
                        raise
                return self._once(work)
            except (DBAPIError, TimeoutError) as error:
                told = outage(error)
                if told is None:
                    raise
                raise told from error

    def _once(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)

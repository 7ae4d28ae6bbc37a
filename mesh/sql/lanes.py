"""Threads that run units of work on one engine: so many at a time, and so many that wait."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, TimeoutError

from mesh.errors import Unavailable
from mesh.sql.outages import is_lost, outage
from mesh.sql.pipeline import pipeline
from mesh.sql.stalls import Holds

MAX_WAITING = 1000

T = TypeVar("T")


class Lane:
    """Each unit of work is one transaction. One that lost against another, or its connection, is done once more.

    A lane of one thread may keep its connection: to take one for each transaction costs as much as some statements.
    """

    def __init__(self, engine: Engine, threads: int, name: str, holds: Holds, *, keeps: bool = False) -> None:
        self._engine = engine
        self._keeps = keeps
        self._kept: Connection | None = None
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._holds = holds
        self._waiting = 0

    async def run(self, work: Callable[[Connection], T], last: Callable[[T], object] | None = None) -> T:
        """What `work` returns, after `last` was carried out with it. Raises Unavailable (OVERLOADED, UNAVAILABLE)."""
        return await self.call(lambda: self._transact(work, last))

    async def call(self, work: Callable[[], T]) -> T:
        """The same without a transaction."""
        if self._waiting >= MAX_WAITING:
            raise Unavailable("OVERLOADED", "The database has too much to do. Try again.", retry_after_s=1)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._waiting += 1
        self._threads.submit(self._carry_out, loop, done, work)
        return await done

    def close(self) -> None:
        """Waits for the units of work that run."""
        self._threads.submit(self._let_go)
        self._threads.shutdown()

    def _carry_out(self, loop: asyncio.AbstractEventLoop, done: "asyncio.Future[T]", work: Callable[[], T]) -> None:
        result: Any = None
        error: BaseException | None = None
        if not done.cancelled():  # What nobody waits for any more counts as waiting until its turn has come.
            try:
                result = work()
            except BaseException as raised:
                error = raised
        loop.call_soon_threadsafe(self._end, done, result, error)

    def _end(self, done: "asyncio.Future[T]", result: T, error: BaseException | None) -> None:
        self._waiting -= 1
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def _transact(self, work: Callable[[Connection], T], last: Callable[[T], object] | None) -> T:
        ended = False

        def whole(connection: Connection) -> T:
            nonlocal ended
            result = work(connection)
            ended = True
            return result

        with self._holds.hold():
            try:
                try:
                    return self._once(whole, last)
                except DBAPIError as error:
                    # A connection that broke before the end has taken everything with it.
                    if not is_lost(error) and (ended or not error.connection_invalidated):
                        raise
                return self._once(work, last)
            except (DBAPIError, TimeoutError) as error:
                told = outage(error)
                if told is None:
                    raise
                raise told from error

    def _once(self, work: Callable[[Connection], T], last: Callable[[T], object] | None) -> T:
        with self._connected() as connection, connection.begin():
            result = work(connection)
            if last is not None:
                with pipeline(connection, commits=True):
                    last(result)
            return result

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        if not self._keeps:
            with self._engine.connect() as connection:
                yield connection
            return
        self._kept = self._kept or self._engine.connect()
        try:
            yield self._kept
        except BaseException:  # Whatever happened to it, the next one is as new.
            self._let_go()
            raise

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

"""Services with a mistake, which the model test has to find: each is one that somebody makes sooner or later."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, UniqueConstraint, create_engine, func, select

from mesh.call.context import current
from mesh.database import Database
from services.message import outbox_sql
from services.message.command import Command
from services.message.conversations import domain as conversations
from services.message.feed.servicer import FeedServicer
from services.message.journal import Outcome
from services.message.journal_sql import SqlJournal
from services.message.messages import sends_sql as _sends_sql
from services.message.messages.domain import SendMessage
from services.message.outbox_sql import SqlOutbox
from services.message.service import open_message
from services.message.tables import changes, messages, metadata
from tests.model.house import SqliteFiles

sends_sql: Any = _sends_sql


class _NotYet(Exception):
    """Rolls a transaction back."""


def ack_before_write(patch: pytest.MonkeyPatch, _: SqliteFiles) -> None:
    """The answer to a message leaves first; it is written when somebody looks, or writes again."""
    commit, read = SqlJournal.commit, Database.read
    owed: dict[Database, tuple[SqlJournal, Sequence[Command]]] = {}

    async def settle(database: Database) -> None:
        if database in owed:
            await commit(*owed.pop(database))

    async def early(journal: SqlJournal, commands: Sequence[Command]) -> Sequence[Outcome]:
        database = journal._database
        await settle(database)
        if not all(isinstance(command, SendMessage) for command in commands):
            return await commit(journal, commands)
        told: list[Outcome] = []

        def tried(connection: Connection) -> None:
            unit, outcomes = journal._apply(connection, commands, journal._is_heard())
            unit.flush()
            told.extend(outcomes)
            raise _NotYet

        with pytest.raises(_NotYet):
            await database.write(tried)
        owed[database] = (journal, commands)
        return told

    async def reading(database: Database, work: Callable[[Connection], Any], *, stale: bool = False) -> Any:
        if current().principal is not None:  # What looks by itself now and then must not decide what is found.
            await settle(database)
        return await read(database, work, stale=stale)

    patch.setattr(SqlJournal, "commit", early)
    patch.setattr(Database, "read", reading)
    patch.setattr("tests.model.machine.INDEXED_WITHIN_S", 2.0)  # What was looked at too early is not looked at again.


def no_unique_index(patch: pytest.MonkeyPatch, files: SqliteFiles) -> None:
    """Repeats are known by a memory that a process has, and no index is there to know better."""
    _drop_unique(files)
    ask, opened = sends_sql.ask_by_keys, [datetime.now(UTC)]

    def remembered(*about: Any) -> Callable[[], Iterable[Any]]:
        rows = ask(*about)()
        return lambda: [row for row in rows if row.created_at >= opened[-1]]

    def reopened(mesh: Any) -> Any:
        opened.append(datetime.now(UTC))
        return open_message(mesh)

    patch.setattr(sends_sql, "ask_by_keys", remembered)
    patch.setattr("tests.integration.message.world.open_message", reopened)


def no_dedupe(patch: pytest.MonkeyPatch, files: SqliteFiles) -> None:
    """Nobody looks whether a message is there already."""
    _drop_unique(files)
    patch.setattr(sends_sql, "ask_by_keys", lambda *_: list)


def marker_overwrite(patch: pytest.MonkeyPatch, _: SqliteFiles) -> None:
    """The last mark that is written wins, not the highest one."""
    mark = conversations.marked

    def overwritten(member: Any, seq: int, last_seq: int, at: datetime) -> Any:
        return mark(replace(member, last_read_seq=-1, receipt_seq=-1, delivered_seq=-1), seq, last_seq, at)

    patch.setattr(conversations, "marked", overwritten)


def relay_by_id(patch: pytest.MonkeyPatch, _: SqliteFiles) -> None:
    """The outbox is followed by the last id that was seen, which begins with the last one there is."""
    unpublished, last = SqlOutbox.unpublished, dict[int, int]()

    async def after_the_last(outbox: SqlOutbox, limit: int) -> Any:
        newest = await outbox._database.read(lambda connection: connection.scalar(select(func.max(changes.c.id))) or 0)
        seen = last.setdefault(id(outbox._database), newest)
        rows = [row for row in await unpublished(outbox, limit) if row.id > seen]
        last[id(outbox._database)] = max([seen, *(row.id for row in rows)])
        return rows

    patch.setattr(outbox_sql.SqlOutbox, "unpublished", after_the_last)
    patch.setattr("tests.model.machine.PUBLISHED_WITHIN_S", 2.0)  # What is not told of will never be.


def partial_recovery(patch: pytest.MonkeyPatch, _: SqliteFiles) -> None:
    """A page that is not the last one lacks its last change, and the place after it tells nothing of that."""
    sync = FeedServicer.Sync

    async def shortened(servicer: FeedServicer, request: Any, context: object) -> Any:
        response = await sync(servicer, request, context)
        if response.has_more and len(response.events) > 1:
            del response.events[-1]
        return response

    patch.setattr(FeedServicer, "Sync", shortened)


def _drop_unique(files: SqliteFiles) -> None:
    """Makes the table of messages anew, without what tells repeats apart."""
    loose = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(loose)
    table = loose.tables[messages.name]
    table.constraints = {
        constraint
        for constraint in table.constraints
        if not (isinstance(constraint, UniqueConstraint) and "client_msg_id" in constraint.columns)
    }
    engine = create_engine(f"sqlite:///{files.template}")
    with engine.begin() as connection:
        messages.drop(connection)
        table.create(connection)
    engine.dispose()

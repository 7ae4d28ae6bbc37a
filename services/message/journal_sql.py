"""The journal in an SQL database: one transaction for a batch, a handler for each kind of command."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from services.message.command import Command
from services.message.conversations import writes_sql as conversations_sql
from services.message.feed import writes_sql as feed_sql
from services.message.journal import Outcome
from services.message.messages import writes_sql as messages_sql
from services.message.messages.domain import DeleteMessage, EditMessage
from services.message.tables import messages
from services.message.unit_sql import Handler, Unit

_CONVERSATIONS_OF = select(messages.c.conversation_id).where(messages.c.id.in_(bindparam("ids", expanding=True)))


class SqlJournal:
    """Commits batches. `clock` gives the time of everything in one."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._handlers: Mapping[type[Command], Handler] = {
            **messages_sql.HANDLERS,
            **conversations_sql.HANDLERS,
            **feed_sql.HANDLERS,
        }

    async def commit(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        return await self._database.write(lambda connection: self._apply(connection, commands))

    def _apply(self, connection: Connection, commands: Sequence[Command]) -> list[Outcome]:
        unit = Unit(connection, self._clock())
        unit.lock(_conversation_ids(connection, commands))
        outcomes: list[Outcome] = []
        for kind, run in groupby(commands, key=type):
            outcomes += self._handlers[kind](unit, list(run))
        unit.flush()
        return outcomes


def _conversation_ids(connection: Connection, commands: Sequence[Command]) -> set[str]:
    # All locks are taken at once and in order, so that two writers never wait for each other.
    message_ids = [c.id for c in commands if isinstance(c, EditMessage | DeleteMessage)]
    ids = {id_ for c in commands if (id_ := getattr(c, "conversation_id", ""))}
    if message_ids:
        ids.update(connection.scalars(_CONVERSATIONS_OF, {"ids": message_ids}))
    return ids

"""The journal in an SQL database: one transaction for a batch, a handler for each kind of command."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, select

from mesh.audit.log import Trail
from mesh.database import Database
from services.message.bans import writes_sql as bans_sql
from services.message.bookmarks import writes_sql as bookmarks_sql
from services.message.command import Command
from services.message.conversations import writes_sql as conversations_sql
from services.message.drafts import writes_sql as drafts_sql
from services.message.feed import writes_sql as feed_sql
from services.message.groups import writes_sql as groups_sql
from services.message.invites import writes_sql as invites_sql
from services.message.journal import Outcome
from services.message.keys_sql import by_keys
from services.message.messages import writes_sql as messages_sql
from services.message.pins import writes_sql as pins_sql
from services.message.polls import writes_sql as polls_sql
from services.message.previews import writes_sql as previews_sql
from services.message.reactions import writes_sql as reactions_sql
from services.message.reading import writes_sql as reading_sql
from services.message.reports import writes_sql as reports_sql
from services.message.schedule import writes_sql as schedule_sql
from services.message.tables import conversations, messages
from services.message.transfer import writes_sql as transfer_sql
from services.message.unit_sql import Begin, ConversationKey, Handler, Told, Unit, UserKey

_MESSAGE_KEY = tuple(messages.c["workspace_id", "id"])
_PAIR_KEY = tuple(conversations.c["workspace_id", "pair"])
_DMS_OF = select(conversations.c.workspace_id, conversations.c.id.label("conversation_id"))
_CONVERSATIONS_OF = select(*messages.c["workspace_id", "conversation_id"])


class SqlJournal:
    """Commits batches. `clock` gives the time of everything in one, `is_heard` whether the bus is to be told of it."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        trail: Trail,
        *,
        is_heard: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._clock = clock
        self._trail = trail
        self._is_heard = is_heard
        self._handlers: Mapping[type[Command], Handler] = {
            **messages_sql.HANDLERS,
            **reactions_sql.HANDLERS,
            **polls_sql.HANDLERS,
            **previews_sql.HANDLERS,
            **pins_sql.HANDLERS,
            **bookmarks_sql.HANDLERS,
            **reports_sql.HANDLERS,
            **conversations_sql.HANDLERS,
            **bans_sql.HANDLERS,
            **invites_sql.HANDLERS,
            **groups_sql.HANDLERS,
            **feed_sql.HANDLERS,
            **reading_sql.HANDLERS,
            **drafts_sql.HANDLERS,
            **schedule_sql.HANDLERS,
            **transfer_sql.HANDLERS,
        }
        self._begin: Mapping[type[Command], Begin] = messages_sql.BEGIN
        self._told: Mapping[type[Command], Told] = {**conversations_sql.TOLD, **groups_sql.TOLD, **reports_sql.TOLD}

    async def commit(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        is_heard = self._is_heard()
        _, outcomes = await self._database.write(
            lambda connection: self._apply(connection, commands, is_heard), lambda applied: applied[0].flush()
        )
        return outcomes

    def _apply(self, connection: Connection, commands: Sequence[Command], is_heard: bool) -> tuple[Unit, list[Outcome]]:
        unit = Unit(connection, self._clock(), self._trail, is_heard=is_heard)
        runs = [(kind, list(run)) for kind, run in groupby(commands, key=type)]
        begun: list[Callable[[], list[Outcome]]] = []

        def ahead() -> None:  # For the first run only: what others read may be written before.
            begun.extend(self._begin[kind](unit, run) for kind, run in runs[:1] if kind in self._begin)

        # All locks are taken at once and in order, so that two writers never wait for each other.
        unit.lock(_conversations_of(connection, commands), ahead)
        unit.lock_heads(self._told_by(connection, commands))
        outcomes: list[Outcome] = []
        for kind, run in runs:
            if outcomes:
                unit.write()  # It may read what those before it have written.
            outcomes += begun.pop()() if begun else self._handlers[kind](unit, run)
        unit.write_entries()
        return unit, outcomes

    def _told_by(self, connection: Connection, commands: Sequence[Command]) -> set[UserKey]:
        told = {(c.origin.workspace_id, id_) for c in commands for id_ in c.told_ids}
        for kind, find in self._told.items():
            if of_kind := [command for command in commands if type(command) is kind]:
                told |= find(connection, of_kind)
        return told


def _conversations_of(connection: Connection, commands: Sequence[Command]) -> set[ConversationKey]:
    keys = {(c.origin.workspace_id, id_) for c in commands if (id_ := getattr(c, "conversation_id", ""))}
    asked = [(c.origin.workspace_id, id_) for c in commands if (id_ := getattr(c, "message_id", ""))]
    pairs = [(c.origin.workspace_id, pair) for c in commands if (pair := getattr(c, "pair", ""))]
    rows = [
        *by_keys(connection, _CONVERSATIONS_OF, _MESSAGE_KEY, asked),
        *by_keys(connection, _DMS_OF, _PAIR_KEY, pairs),
    ]
    return keys | {(row.workspace_id, row.conversation_id) for row in rows}

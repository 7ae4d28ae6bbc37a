"""Pins in an SQL database."""

from sqlalchemy import Connection, bindparam, select

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import by_moment, read_slice
from mesh.page import Place, Slice
from services.message.messages.reads_sql import read_last_seq
from services.message.pins.domain import Pin
from services.message.rows import MESSAGE, message_of
from services.message.tables import messages, pins

_PINS = (
    select(*MESSAGE, pins.c.pinned_by, pins.c.pinned_at)
    .join(pins, pins.c.message_id == messages.c.id)
    .where(
        messages.c.workspace_id == bindparam("workspace_id"),
        pins.c.workspace_id == bindparam("workspace_id"),
        pins.c.conversation_id == bindparam("id"),
    )
)


class SqlPinStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, caller: Principal, conversation_id: str, place: Place | None, limit: int) -> Slice[Pin]:
        def work(connection: Connection) -> Slice[Pin]:
            read_last_seq(connection, caller, conversation_id)  # For members only.
            query = _PINS.params(workspace_id=caller.workspace_id, id=conversation_id)
            key = (pins.c.pinned_at, pins.c.message_id)
            found = read_slice(connection, query, key, by_moment(place), limit, falling=True)
            items = [Pin(message_of(row), *row[len(MESSAGE) :]) for row in found.items]
            return Slice(items, found.has_prev, found.has_next)

        return await self._database.read(work)

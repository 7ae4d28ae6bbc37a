"""Bookmarks in an SQL database."""

from sqlalchemy import Connection, bindparam

from mesh.database import Database
from mesh.identity.principal import Principal
from mesh.keyset_sql import by_moment, read_slice
from mesh.page import Place, Slice
from services.message.bookmarks.domain import Bookmark
from services.message.messages.reads_sql import VISIBLE, of
from services.message.rows import MESSAGE, message_of
from services.message.tables import bookmarks, messages

_BOOKMARKS = (
    VISIBLE.add_columns(bookmarks.c.note, bookmarks.c.created_at.label("kept_at"))
    .join(bookmarks, bookmarks.c.message_id == messages.c.id)
    .where(bookmarks.c.workspace_id == bindparam("workspace_id"), bookmarks.c.user_id == bindparam("user_id"))
)


class SqlBookmarkStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, caller: Principal, place: Place | None, limit: int) -> Slice[Bookmark]:
        def work(connection: Connection) -> Slice[Bookmark]:
            key = (bookmarks.c.created_at, bookmarks.c.message_id)
            query = _BOOKMARKS.params(of(caller))
            found = read_slice(connection, query, key, by_moment(place), limit, falling=True)
            items = [Bookmark(message_of(row), *row[len(MESSAGE) :]) for row in found.items]
            return Slice(items, found.has_prev, found.has_next)

        return await self._database.read(work)

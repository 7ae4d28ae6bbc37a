"""How the journal carries out commands on bookmarks, one at a time."""

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, func, insert, select, update

from services.message.bookmarks.domain import Bookmark, DeleteBookmark, PutBookmark, check_room
from services.message.bookmarks.wire import bookmark_body
from services.message.command import Command, Origin
from services.message.feed.domain import BOOKMARK_UPDATED, Change
from services.message.journal import Outcome
from services.message.messages.domain import check_there
from services.message.messages.reads_sql import find, present
from services.message.tables import bookmarks
from services.message.unit_sql import Handler, Unit, each

_OF_USER = (bookmarks.c.user_id == bindparam("user"), bookmarks.c.workspace_id == bindparam("workspace"))
_OF_MESSAGE = (*_OF_USER, bookmarks.c.message_id == bindparam("message"))
_ONE = select(*bookmarks.c["note", "created_at"]).where(*_OF_MESSAGE)
_COUNT = select(func.count()).select_from(bookmarks).where(*_OF_USER)
_INSERT = insert(bookmarks)
_UPDATE = update(bookmarks).where(*_OF_MESSAGE)
_DELETE = delete(bookmarks).where(*_OF_MESSAGE)


def put(unit: Unit, command: PutBookmark) -> Outcome:
    origin, note = command.origin, command.note
    _, message, _ = present(unit, command.message_id, origin)
    key = _key(origin, message.id)
    row = unit.connection.execute(_ONE, key).one_or_none()
    bookmark = Bookmark(message, note, unit.at if row is None else row.created_at)
    if row is not None and row.note == note:
        return Outcome(bookmark)
    check_there(message)
    if row is not None:
        unit.connection.execute(_UPDATE, {**key, "note": note})
        return Outcome(bookmark, (_told(unit, origin, bookmark),))
    check_room(unit.connection.execute(_COUNT, key).scalar_one())
    about = {"workspace_id": message.workspace_id, "conversation_id": message.conversation_id}
    kept = {"user_id": origin.actor_id, "message_id": message.id, "note": note, "created_at": unit.at}
    unit.connection.execute(_INSERT, {**about, **kept})
    return Outcome(bookmark, (_told(unit, origin, bookmark),))


def forget(unit: Unit, command: DeleteBookmark) -> Outcome:
    """Also of a message that the actor does not see any more."""
    origin = command.origin
    key = _key(origin, command.message_id)
    row = unit.connection.execute(_ONE, key).one_or_none()
    message = find(unit, origin.workspace_id, command.message_id)
    if row is None or message is None:
        return Outcome()
    unit.connection.execute(_DELETE, key)
    return Outcome(None, (_told(unit, origin, Bookmark(message, row.note, row.created_at), removed=True),))


def _told(unit: Unit, origin: Origin, bookmark: Bookmark, *, removed: bool = False) -> Change:
    body = bookmark_body(bookmark, removed=removed)
    return unit.user_change(BOOKMARK_UPDATED, origin.actor_id, bookmark.message.conversation_id, origin, body)


def _key(origin: Origin, message_id: str) -> dict[str, str]:
    return {"user": origin.actor_id, "workspace": origin.workspace_id, "message": message_id}


HANDLERS: Mapping[type[Command], Handler] = {PutBookmark: each(put), DeleteBookmark: each(forget)}

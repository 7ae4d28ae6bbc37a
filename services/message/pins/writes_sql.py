"""How the journal carries out commands on pins, one at a time."""

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, func, insert, select

from services.message.command import Command, Origin
from services.message.conversations.domain import check_pins
from services.message.feed.domain import MESSAGE_PINNED, MESSAGE_UNPINNED, Change
from services.message.journal import Outcome
from services.message.messages.domain import Message, check_there, touched
from services.message.messages.reads_sql import conversation_of, present
from services.message.messages.update_sql import UPDATE, changed
from services.message.messages.wire import pinned_body
from services.message.pins.domain import Pin, PinMessage, UnpinMessage, check_room
from services.message.tables import pins
from services.message.unit_sql import Handler, Unit, advanced, each

_OF_MESSAGE = (pins.c.message_id == bindparam("id"), pins.c.workspace_id == bindparam("workspace"))
_ONE = select(*pins.c["pinned_by", "pinned_at"]).where(*_OF_MESSAGE)
_COUNT = select(func.count()).where(
    pins.c.conversation_id == bindparam("id"), pins.c.workspace_id == bindparam("workspace")
)
_INSERT, _DELETE = insert(pins), delete(pins).where(*_OF_MESSAGE)


def pin(unit: Unit, command: PinMessage) -> Outcome:
    conversation, message, actor = present(unit, command.message_id, command.origin)
    row = unit.connection.execute(_ONE, {"id": message.id, "workspace": message.workspace_id}).one_or_none()
    if row is not None:
        return Outcome(Pin(message, row.pinned_by, row.pinned_at))
    check_pins(conversation, actor)
    check_there(message)
    here = {"id": conversation.id, "workspace": conversation.workspace_id}
    check_room(unit.connection.execute(_COUNT, here).scalar_one())
    message = touched(message, pinned_at=unit.at)
    about = {"workspace_id": message.workspace_id, "conversation_id": conversation.id}
    by = {"pinned_by": actor.user_id, "pinned_at": unit.at}
    unit.connection.execute(_INSERT, {"message_id": message.id, **about, **by})
    return Outcome(Pin(message, actor.user_id, unit.at), (_told(unit, MESSAGE_PINNED, command.origin, message),))


def unpin(unit: Unit, command: UnpinMessage) -> Outcome:
    conversation, message, actor = present(unit, command.message_id, command.origin)
    check_pins(conversation, actor)
    if message.pinned_at is None:
        return Outcome()
    unit.connection.execute(_DELETE, {"id": message.id, "workspace": message.workspace_id})
    message = touched(message, pinned_at=None)
    return Outcome(None, (_told(unit, MESSAGE_UNPINNED, command.origin, message),))


def _told(unit: Unit, kind: str, origin: Origin, message: Message) -> Change:
    unit.connection.execute(UPDATE, changed(message, pinned_at=message.pinned_at))
    return unit.change(kind, advanced(conversation_of(unit, message)), origin, body=pinned_body(message))


HANDLERS: Mapping[type[Command], Handler] = {PinMessage: each(pin), UnpinMessage: each(unpin)}

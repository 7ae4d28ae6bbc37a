"""How the journal carries out what was seen of pages."""

from collections.abc import Mapping

from sqlalchemy import bindparam, update

from services.message.command import Command
from services.message.feed.domain import MESSAGE_UPDATED
from services.message.journal import Outcome
from services.message.messages.reads_sql import conversation_of, find
from services.message.previews import domain
from services.message.previews.domain import SetPreviews
from services.message.rows import previews_text
from services.message.tables import messages
from services.message.unit_sql import Handler, Unit, advanced, each

_UPDATE = update(messages).where(
    messages.c.id == bindparam("key"), messages.c.workspace_id == bindparam("key_workspace")
)


def set_previews(unit: Unit, command: SetPreviews) -> Outcome:
    message = find(unit, command.origin.workspace_id, command.message_id)
    if message is None or conversation_of(unit, message).deleted_at is not None:
        return Outcome(False)
    shown = domain.previewed(message, command)
    if shown is message:
        return Outcome(False)
    key = {"key": shown.id, "key_workspace": shown.workspace_id}
    values = {"previews": previews_text(shown.previews), "revision": shown.revision}
    unit.connection.execute(_UPDATE, {**key, **values})
    conversation = advanced(conversation_of(unit, shown))
    return Outcome(True, (unit.change(MESSAGE_UPDATED, conversation, command.origin, message=shown),))


HANDLERS: Mapping[type[Command], Handler] = {SetPreviews: each(set_previews)}

"""How the journal carries out what was seen of pages."""

from collections.abc import Mapping

from services.message.command import Command
from services.message.feed.domain import MESSAGE_UPDATED
from services.message.journal import Outcome
from services.message.messages.reads_sql import conversation_of, find
from services.message.messages.update_sql import UPDATE, changed
from services.message.previews import domain
from services.message.previews.domain import SetPreviews
from services.message.rows import previews_text
from services.message.unit_sql import Handler, Unit, advanced, each


def set_previews(unit: Unit, command: SetPreviews) -> Outcome:
    message = find(unit, command.origin.workspace_id, command.message_id)
    if message is None or conversation_of(unit, message).deleted_at is not None:
        return Outcome(False)
    shown = domain.previewed(message, command)
    if shown is message:
        return Outcome(False)
    unit.connection.execute(UPDATE, changed(shown, previews=previews_text(shown.previews)))
    conversation = advanced(conversation_of(unit, shown))
    return Outcome(True, (unit.change(MESSAGE_UPDATED, conversation, command.origin, message=shown),))


HANDLERS: Mapping[type[Command], Handler] = {SetPreviews: each(set_previews)}

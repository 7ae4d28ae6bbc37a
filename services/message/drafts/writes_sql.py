"""How the journal carries out commands on drafts, one at a time."""

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, insert, select, update

from services.message.command import Command
from services.message.conversations.membership_sql import present
from services.message.drafts import domain
from services.message.drafts.domain import Draft, SaveDraft
from services.message.drafts.store_sql import COLUMNS, draft_of
from services.message.drafts.wire import draft_body, draft_name
from services.message.feed.domain import DRAFT_UPDATED
from services.message.journal import Outcome
from services.message.messages import domain as messages
from services.message.messages.reads_sql import find
from services.message.tables import drafts
from services.message.unit_sql import Handler, Unit, each

_KEY = (
    drafts.c.workspace_id == bindparam("key_workspace"),
    drafts.c.user_id == bindparam("key_user"),
    drafts.c.conversation_id == bindparam("key_conversation"),
    drafts.c.thread_root == bindparam("key_root"),
)
_STORED = select(*COLUMNS).where(*_KEY)
_INSERT, _UPDATE, _DELETE = insert(drafts), update(drafts).where(*_KEY), delete(drafts).where(*_KEY)


def save(unit: Unit, command: SaveDraft) -> Outcome:
    """Answers the draft as it is then."""
    origin, user_id = command.origin, command.origin.actor_id
    present(unit, command.conversation_id, origin)
    where = {
        "key_workspace": origin.workspace_id,
        "key_user": user_id,
        "key_conversation": command.conversation_id,
        "key_root": command.thread_root,
    }
    row = unit.connection.execute(_STORED, where).one_or_none()
    before = draft_of(row) if row is not None else Draft(command.conversation_id, command.thread_root)
    draft = domain.saved(before, command, unit.at)
    if draft is before:
        return Outcome(draft)
    if not draft.is_empty:
        _check_about(unit, command)
    values = {"text": draft.text, "reply_to": draft.reply_to, "updated_at": draft.updated_at}
    if draft.is_empty:
        unit.connection.execute(_DELETE, where)
    elif row is not None:
        unit.connection.execute(_UPDATE, {**where, **values})
    else:
        about = {"conversation_id": draft.conversation_id, "thread_root": draft.thread_root}
        owner = {"workspace_id": origin.workspace_id, "user_id": user_id}
        unit.connection.execute(_INSERT, {**owner, **about, **values})
    body, kept = draft_body(draft), draft_name(draft)
    return Outcome(draft, (unit.user_change(DRAFT_UPDATED, user_id, draft.conversation_id, origin, body, kept=kept),))


def _check_about(unit: Unit, command: SaveDraft) -> None:
    """Whether what it is about is there. Raises NotFound (THREAD_NOT_FOUND, REPLY_NOT_FOUND)."""
    workspace_id, here = command.origin.workspace_id, command.conversation_id
    if command.thread_root:
        root = find(unit, workspace_id, command.thread_root)
        messages.check_root(root if root is not None and root.conversation_id == here else None)
    if command.reply_to:
        answered = find(unit, workspace_id, command.reply_to)
        if answered is None or answered.conversation_id != here:
            raise messages.reply_not_found()


HANDLERS: Mapping[type[Command], Handler] = {SaveDraft: each(save)}

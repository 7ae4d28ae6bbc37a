"""How a message that is there changes in its row: shared by all that changes something of one."""

from typing import Any

from sqlalchemy import bindparam, update

from services.message.messages.domain import Message
from services.message.tables import messages

UPDATE = update(messages).where(
    messages.c.id == bindparam("key"), messages.c.workspace_id == bindparam("key_workspace")
)


def changed(message: Message, **values: Any) -> dict[str, Any]:
    """Parameters of `UPDATE`: these columns of a message, and its revision, which each change raises."""
    return {"key": message.id, "key_workspace": message.workspace_id, "revision": message.revision, **values}

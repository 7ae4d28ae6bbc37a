"""Queries about votes that reading and writing share."""

from sqlalchemy import Connection, bindparam, select

from services.message.messages.domain import Message
from services.message.tables import poll_votes

_CHOSEN = select(poll_votes.c.option_id).where(
    poll_votes.c.message_id == bindparam("id"),
    poll_votes.c.workspace_id == bindparam("workspace_id"),
    poll_votes.c.user_id == bindparam("user_id"),
)


def read_choice(connection: Connection, message: Message, user_id: str) -> set[str]:
    """The options that somebody chose."""
    about = {"id": message.id, "workspace_id": message.workspace_id, "user_id": user_id}
    return set(connection.scalars(_CHOSEN, about))

"""Who is kept out: asked by every way into a conversation."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select

from mesh.errors import Forbidden
from services.message.bans.domain import Ban
from services.message.conversations.domain import Conversation
from services.message.tables import bans
from services.message.unit_sql import Unit

BAN = bans.c[Ban.__slots__]
HOLDS = or_(bans.c.until.is_(None), bans.c.until > bindparam("at", type_=bans.c.until.type))
"""Of bans that have not ended `at` a moment."""

_BANNED = (
    select(bans.c.user_id)
    .where(
        bans.c.workspace_id == bindparam("workspace_id"),
        bans.c.conversation_id == bindparam("conversation_id"),
        bans.c.user_id.in_(bindparam("user_ids", expanding=True)),
        HOLDS,
    )
    .order_by(bans.c.user_id)
    .limit(10)
)


def ban_of(row: Sequence[Any]) -> Ban:
    return Ban(*row)


def check_not_banned(unit: Unit, conversation: Conversation, user_ids: Collection[str]) -> None:
    """Raises Forbidden (BANNED), which names some of those who are."""
    key = {"workspace_id": conversation.workspace_id, "conversation_id": conversation.id}
    banned = unit.connection.scalars(_BANNED, {**key, "user_ids": list(user_ids), "at": unit.at}).all()
    if banned:
        raise Forbidden("BANNED", "Banned from this conversation.", metadata={"user_ids": ",".join(banned)})

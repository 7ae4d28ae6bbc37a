"""Where logs stand: a query that the store and the journal share."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, select

from services.message.feed.domain import Place
from services.message.tables import conversations, members, user_heads

_HEADS = (
    select(members.c.user_id, conversations.c.id, conversations.c.last_pos)
    .join(conversations, conversations.c.id == members.c.conversation_id)
    .where(
        members.c.workspace_id == bindparam("workspace_id"),
        conversations.c.workspace_id == bindparam("workspace_id"),
        members.c.user_id.in_(bindparam("ids", expanding=True)),
    )
)
_USER_HEADS = select(user_heads.c.user_id, user_heads.c.last_pos).where(
    user_heads.c.workspace_id == bindparam("workspace_id"),
    user_heads.c.user_id.in_(bindparam("ids", expanding=True)),
)


def read_heads(connection: Connection, workspace_id: str, user_ids: Collection[str]) -> dict[str, Place]:
    """The heads of each user's own log and of those of their conversations."""
    ids = {"workspace_id": workspace_id, "ids": list(user_ids)}
    user_pos = dict(connection.execute(_USER_HEADS, ids).all())
    positions: dict[str, dict[str, int]] = {user_id: {} for user_id in user_ids}
    for user_id, conversation_id, last_pos in connection.execute(_HEADS, ids):
        positions[user_id][conversation_id] = last_pos
    return {user_id: Place(user_pos.get(user_id, 0), positions[user_id]) for user_id in user_ids}


_LAST = select(conversations.c.id, conversations.c.last_pos).where(
    conversations.c.id.in_(bindparam("ids", expanding=True))
)
_USERS_LAST = select(user_heads.c.user_id, user_heads.c.last_pos).where(
    user_heads.c.user_id.in_(bindparam("ids", expanding=True))
)
_MEMBERSHIPS = select(members.c.user_id, members.c.conversation_id).where(
    members.c.user_id.in_(bindparam("ids", expanding=True))
)


def read_further(
    connection: Connection, positions: Mapping[str, int], user_positions: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """Where those logs stand that go further, of conversations and of users."""
    last = connection.execute(_LAST, {"ids": list(positions)}).all()
    users_last = connection.execute(_USERS_LAST, {"ids": list(user_positions)}).all()
    return (
        {id_: pos for id_, pos in last if pos > positions[id_]},
        {id_: pos for id_, pos in users_last if pos > user_positions[id_]},
    )


def read_memberships(connection: Connection, user_ids: Collection[str]) -> dict[str, tuple[int, set[str]]]:
    """The conversations of each user, and a place in their own log that is not after the moment of reading."""
    ids = {"ids": list(user_ids)}
    places = dict(connection.execute(_USERS_LAST, ids).all())  # First: a change in between is told again, and no harm.
    found = {user_id: (places.get(user_id, 0), set[str]()) for user_id in user_ids}
    for user_id, conversation_id in connection.execute(_MEMBERSHIPS, ids):
        found[user_id][1].add(conversation_id)
    return found

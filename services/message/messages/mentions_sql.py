"""Whom messages call: looked up in the transaction that writes them, so that nobody is called who is not there."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import bindparam, delete, exists, insert, select

from mesh.sql.prepared import Prepared
from services.message.keys_sql import by_keys
from services.message.messages.domain import NOBODY, Called, Mentions, Message, called
from services.message.tables import conversations, group_members, members, mentions
from services.message.unit_sql import ConversationKey, MemberKey, Unit

# Each of a group is looked for in the conversation, which may be far larger.
_IS_THERE = exists().where(
    members.c.workspace_id == conversations.c.workspace_id,
    members.c.conversation_id == conversations.c.id,
    members.c.user_id == group_members.c.user_id,
)
_PEOPLE_KEY = (*conversations.c["workspace_id", "id"], *group_members.c["workspace_id", "group_id"])
_PEOPLE = select(
    conversations.c.workspace_id, conversations.c.id.label("conversation_id"), *group_members.c["group_id", "user_id"]
).where(_IS_THERE)
INSERT_MENTIONS = Prepared(insert(mentions), [column.name for column in mentions.c])
_DELETE = delete(mentions).where(
    mentions.c.message_id == bindparam("id"), mentions.c.workspace_id == bindparam("workspace")
)


class Calls:
    """What has to be known of a run of messages, each in one statement: `there` are those named who are members."""

    def __init__(
        self, unit: Unit, asked: Iterable[tuple[ConversationKey, Mentions]], there: Collection[MemberKey]
    ) -> None:
        self._there = there
        self._people: dict[ConversationKey, dict[str, list[str]]] = {}
        keys = [(*key, key[0], group_id) for key, who in asked for group_id in who.group_ids]
        for row in by_keys(unit.connection, _PEOPLE, _PEOPLE_KEY, keys):
            groups = self._people.setdefault((row.workspace_id, row.conversation_id), {})
            groups.setdefault(row.group_id, []).append(row.user_id)

    def called(self, key: ConversationKey, sender_id: str, asked: Mentions) -> Called:
        """Who of those asked for is in the conversation."""
        there = {user_id for user_id in asked.user_ids if (*key, user_id) in self._there}
        return called(asked, sender_id, there, self._people.get(key, {}))


def named(key: ConversationKey, asked: Mentions) -> Iterator[MemberKey]:
    """Whose memberships have to be known."""
    return ((*key, user_id) for user_id in asked.user_ids)


def resolve(unit: Unit, message: Message, asked: Mentions) -> Called:
    """Who of those that a message is to call is in its conversation."""
    key = message.workspace_id, message.conversation_id
    return Calls(unit, [(key, asked)], unit.members(named(key, asked))).called(key, message.sender_id, asked)


def recalled(unit: Unit, message: Message) -> Called:
    """Whom a message calls that is back: those it names, there or not, since it says so still."""
    key, asked = (message.workspace_id, message.conversation_id), message.mentions
    return Calls(unit, [(key, asked)], set(named(key, asked))).called(key, message.sender_id, asked)


def mention_rows(message: Message, user_ids: Iterable[str]) -> list[dict[str, Any]]:
    about = {
        "workspace_id": message.workspace_id,
        "conversation_id": message.conversation_id,
        "seq": message.seq,
        "message_id": message.id,
    }
    return [{**about, "user_id": user_id} for user_id in user_ids]


def insert_mentions(unit: Unit, rows: list[dict[str, Any]]) -> None:
    if rows:
        INSERT_MENTIONS.run(unit.connection, rows)


def delete_mentions(unit: Unit, message: Message) -> None:
    if message.mentions != NOBODY:
        unit.connection.execute(_DELETE, {"id": message.id, "workspace": message.workspace_id})

"""How people come into a conversation and leave it, by whatever way: shared by the writes that do either."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import bindparam, delete, func, insert, select

from mesh.errors import NotFound
from services.message.bans.reads_sql import check_not_banned
from services.message.command import Origin
from services.message.conversations import domain
from services.message.conversations.domain import Conversation, Member, ReadMark, Role
from services.message.conversations.reads_sql import first_members, unread_counts
from services.message.feed import domain as feed
from services.message.feed.domain import Change
from services.message.feed.wire import member_body, snapshot_body
from services.message.rows import member_values
from services.message.tables import members
from services.message.unit_sql import Unit, advanced

OF_CONVERSATION = (
    members.c.workspace_id == bindparam("key_workspace"),
    members.c.conversation_id == bindparam("key_conversation"),
)
OF_MEMBER = (*OF_CONVERSATION, members.c.user_id == bindparam("key_user"))
_INSERT, _DELETE = insert(members), delete(members).where(*OF_MEMBER)
_OWNERS = select(func.count()).where(*OF_CONVERSATION, members.c.role == Role.OWNER)


def present(
    unit: Unit, conversation_id: str, origin: Origin, *user_ids: str
) -> tuple[Conversation, Member, dict[str, Member]]:
    """The conversation, the actor, and which of the actor and `user_ids` are in it.

    Raises NotFound (CONVERSATION_NOT_FOUND).
    """
    key = (origin.workspace_id, conversation_id)
    found = unit.members((*key, user_id) for user_id in (origin.actor_id, *user_ids))
    there = {user_id: member for (*_, user_id), member in found.items()}
    return *domain.visible(unit.conversation(key), there.get(origin.actor_id)), there


def target(there: Mapping[str, Member], user_id: str) -> Member:
    """Raises NotFound (MEMBER_NOT_FOUND)."""
    if user_id not in there:
        raise NotFound("MEMBER_NOT_FOUND", "This user is not in the conversation.")
    return there[user_id]


def read_mark(unit: Unit, member: Member) -> ReadMark:
    """How far a member has read by their own account, and what is left."""
    unit.flush()  # The counts are to tell of what stands before in the batch.
    id_ = member.conversation_id
    counts = unread_counts(unit.connection, member.workspace_id, member.user_id, [id_])[id_]
    return ReadMark(id_, member.last_read_seq, counts.unread, counts.mentions)


def insert_members(unit: Unit, origin: Origin, joined: Sequence[Member]) -> None:
    """Writes and notes new members."""
    unit.connection.execute(_INSERT, [member_values(member) for member in joined])
    note(unit, "member.added", origin, *[member for member in joined if member.user_id != origin.actor_id])


def join(
    unit: Unit, conversation: Conversation, user_ids: Sequence[str], role: Role, origin: Origin
) -> tuple[list[Member], list[Change]]:
    """Makes members of people who are none. Raises Forbidden (BANNED)."""
    check_not_banned(unit, conversation, user_ids)
    if not user_ids:
        return [], []
    joined = domain.joining(conversation, user_ids, domain.entering(conversation, role), unit.at)
    insert_members(unit, origin, joined)
    conversation = domain.touched(conversation, unit.at)
    conversation = replace(conversation, member_count=conversation.member_count + len(joined))
    # All who come get the same picture, as it is after the last of them: it is made once, however many they are.
    after = replace(conversation, last_pos=conversation.last_pos + len(joined))
    body, changes = snapshot_body(after, shown_members(unit, conversation)), []
    for member in joined:
        conversation, user_id = advanced(conversation), member.user_id
        about = {"body": member_body(member), "subject_id": user_id, "joining": (user_id,)}
        changes.append(unit.change(feed.MEMBER_ADDED, conversation, origin, **about))
        changes.append(unit.user_change(feed.CONVERSATION_ADDED, user_id, conversation.id, origin, body))
    return joined, changes


def part(unit: Unit, conversation: Conversation, member: Member, origin: Origin) -> tuple[Conversation, list[Change]]:
    """Ends a membership; answers the conversation after it."""
    unit.connection.execute(_DELETE, key_of(member))
    note(unit, "member.removed", origin, member)
    conversation = advanced(domain.touched(conversation, unit.at), member_count=conversation.member_count - 1)
    about = {"body": member_body(member), "subject_id": member.user_id, "except_user_id": member.user_id}
    removed = unit.change(feed.MEMBER_REMOVED, conversation, origin, **about)
    body = snapshot_body(conversation)
    own = unit.user_change(feed.CONVERSATION_REMOVED, member.user_id, conversation.id, origin, body)
    return conversation, [removed, own]


def note(unit: Unit, action: str, origin: Origin, *noted: Member) -> None:
    for member in noted:
        about = {"conversation_id": member.conversation_id, "role": member.role.name.lower()}
        unit.note(action, origin, member.user_id, **about)


def shown_members(unit: Unit, conversation: Conversation) -> list[Member]:
    """Those whom the conversation shows by itself."""
    return first_members(unit.connection, conversation.workspace_id, [conversation.id])[conversation.id]


def owners(unit: Unit, conversation: Conversation) -> int:
    return unit.connection.execute(_OWNERS, conversation_key(conversation)).scalar_one()


def conversation_key(conversation: Conversation) -> dict[str, str]:
    return {"key_workspace": conversation.workspace_id, "key_conversation": conversation.id}


def key_of(member: Member) -> dict[str, str]:
    return {
        "key_workspace": member.workspace_id,
        "key_conversation": member.conversation_id,
        "key_user": member.user_id,
    }

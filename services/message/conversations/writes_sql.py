"""How the journal carries out commands on conversations and members, one at a time."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from services.message.command import Command
from services.message.conversations import domain
from services.message.conversations.domain import (
    AddMembers,
    ArchiveConversation,
    CreateConversation,
    Created,
    DeleteConversation,
    JoinConversation,
    MarkRead,
    RemoveMember,
    Role,
    SetBlocked,
    SetPreferences,
    UpdateConversation,
    UpdateMember,
)
from services.message.conversations.membership_sql import (
    OF_CONVERSATION,
    OF_MEMBER,
    conversation_key,
    insert_members,
    join,
    key_of,
    note,
    owners,
    part,
    present,
    read_mark,
    shown_members,
    target,
)
from services.message.conversations.settings import changed, with_settings
from services.message.feed import domain as feed
from services.message.feed.domain import Change
from services.message.feed.wire import member_body, membership_body, receipt_body, snapshot_body, unread_body
from services.message.journal import Outcome
from services.message.keys_sql import by_keys
from services.message.rows import conversation_values
from services.message.tables import conversations, members
from services.message.unit_sql import Handler, Told, Unit, UserKey, advanced, each

_BY_PAIR = select(conversations.c.id).where(
    conversations.c.pair == bindparam("pair"), conversations.c.workspace_id == bindparam("workspace_id")
)
_INSERT = insert(conversations)
_UPDATE_BLOCKED = update(conversations).where(
    conversations.c.workspace_id == bindparam("key_workspace"), conversations.c.id == bindparam("key_conversation")
)
_UPDATE_MEMBER = update(members).where(*OF_MEMBER)
_MEMBER_IDS, _DELETE_MEMBERS = (
    select(members.c.user_id).where(*OF_CONVERSATION),
    delete(members).where(*OF_CONVERSATION),
)
_OWNER = members.alias()
_OWNED_BY = tuple(_OWNER.c["workspace_id", "conversation_id", "user_id"])
_WITH_OWNER = (
    select(*members.c["workspace_id", "user_id"])
    .join(_OWNER, _OWNER.c.conversation_id == members.c.conversation_id)
    .where(_OWNER.c.role == Role.OWNER)
)


def create(unit: Unit, command: CreateConversation) -> Outcome:
    conversation, joined = domain.found(command, unit.at)
    conversation = with_settings(conversation, command.settings)
    if conversation.pair is not None:
        key = {"pair": conversation.pair, "workspace_id": conversation.workspace_id}
        there = unit.connection.scalar(_BY_PAIR, key)
        if there is not None:
            return Outcome(Created(there, replayed=True))
    unit.connection.execute(_INSERT, conversation_values(conversation))
    insert_members(unit, command.origin, joined)
    user_ids = tuple(member.user_id for member in joined)
    conversation = advanced(conversation)
    body = snapshot_body(conversation, joined[: domain.FIRST_MEMBERS])
    changes = [unit.change(feed.CONVERSATION_CREATED, conversation, command.origin, body=body, joining=user_ids)]
    changes += [
        unit.user_change(feed.CONVERSATION_ADDED, user_id, conversation.id, command.origin, body)
        for user_id in user_ids
    ]
    return Outcome(Created(conversation.id, replayed=False), changes)


def update_conversation(unit: Unit, command: UpdateConversation) -> Outcome:
    conversation, actor, _ = present(unit, command.conversation_id, command.origin)
    domain.check_manages(conversation, actor)
    domain.check_writable(conversation)
    after = changed(conversation, command, unit.at)
    return Outcome() if after is conversation else _told(unit, feed.CONVERSATION_UPDATED, after, command)


def archive(unit: Unit, command: ArchiveConversation) -> Outcome:
    conversation, actor, _ = present(unit, command.conversation_id, command.origin)
    domain.check_manages(conversation, actor)
    after = domain.archived(conversation, command.is_archived, unit.at)
    if after is conversation:
        return Outcome()
    kind = feed.CONVERSATION_ARCHIVED if command.is_archived else feed.CONVERSATION_UNARCHIVED
    unit.note(kind.replace("-", "."), command.origin, conversation.id)
    return _told(unit, kind, after, command)


def delete_conversation(unit: Unit, command: DeleteConversation) -> Outcome:
    """Nobody sees it from then on; what was said in it is erased by and by."""
    origin = command.origin
    conversation, actor, _ = present(unit, command.conversation_id, origin)
    conversation = advanced(domain.deleted(conversation, actor, unit.at))
    user_ids = unit.connection.scalars(_MEMBER_IDS, conversation_key(conversation)).all()
    unit.connection.execute(_DELETE_MEMBERS, conversation_key(conversation))
    unit.note("conversation.deleted", origin, conversation.id)
    body = snapshot_body(conversation)
    changes = [unit.change(feed.CONVERSATION_DELETED, conversation, origin, body=body)]
    changes += [
        unit.user_change(feed.CONVERSATION_REMOVED, user_id, conversation.id, origin, body) for user_id in user_ids
    ]
    return Outcome(None, changes)


def join_conversation(unit: Unit, command: JoinConversation) -> Outcome:
    origin = command.origin
    key = (origin.workspace_id, command.conversation_id)
    conversation = unit.conversation(key)
    if conversation is None:
        raise domain.not_found()
    if unit.members([(*key, origin.actor_id)]):
        return Outcome()
    domain.check_joins(conversation)
    _, changes = join(unit, conversation, [origin.actor_id], Role.MEMBER, origin)
    return Outcome(None, changes)


def add_members(unit: Unit, command: AddMembers) -> Outcome:
    """Answers all members that were asked for, in that order."""
    conversation, actor, there = present(unit, command.conversation_id, command.origin, *command.user_ids)
    domain.check_invites(conversation, actor)
    domain.check_grants(actor, command.role)
    new_ids = [user_id for user_id in command.user_ids if user_id not in there]
    joined, changes = join(unit, conversation, new_ids, command.role, command.origin)
    there |= {member.user_id: member for member in joined}
    return Outcome([there[user_id] for user_id in command.user_ids], changes)


def update_member(unit: Unit, command: UpdateMember) -> Outcome:
    """Answers the member."""
    conversation, actor, there = present(unit, command.conversation_id, command.origin, command.user_id)
    domain.check_manages(conversation, actor)
    member = target(there, command.user_id)
    after = domain.with_role(actor, member, command.role, owners(unit, conversation))
    if after is member:
        return Outcome(member)
    unit.connection.execute(_UPDATE_MEMBER, {**key_of(after), "role": after.role})
    note(unit, "member.role_changed", command.origin, after)
    conversation = advanced(domain.touched(conversation, unit.at))
    about = {"body": member_body(after), "subject_id": after.user_id}
    return Outcome(after, (unit.change(feed.MEMBER_UPDATED, conversation, command.origin, **about),))


def remove_member(unit: Unit, command: RemoveMember) -> Outcome:
    conversation, actor, there = present(unit, command.conversation_id, command.origin, command.user_id)
    member = target(there, command.user_id)
    domain.check_removes(conversation, actor, member, owners(unit, conversation))
    _, changes = part(unit, conversation, member, command.origin)
    return Outcome(None, changes)


def mark_read(unit: Unit, command: MarkRead) -> Outcome:
    """Answers the mark as it is then."""
    origin, user_id = command.origin, command.origin.actor_id
    conversation, member, _ = present(unit, command.conversation_id, origin)
    marked = domain.marked(member, command.seq, conversation.last_seq, unit.at)
    if marked is not member:
        unit.connection.execute(
            _UPDATE_MEMBER,
            {
                **key_of(marked),
                "last_read_seq": marked.last_read_seq,
                "receipt_seq": marked.receipt_seq,
                "delivered_seq": marked.delivered_seq,
                "last_seen_at": marked.last_seen_at,
            },
        )
    result = read_mark(unit, marked)
    if marked is member:
        return Outcome(result)
    body, receipt = unread_body(result), receipt_body(marked)
    is_receipt = marked.receipt_seq != member.receipt_seq  # Else it was only marked unread meanwhile.
    own = unit.user_change(feed.UNREAD_UPDATED, user_id, conversation.id, origin, body, is_receipt=is_receipt)
    if not is_receipt:
        return Outcome(result, (own,))
    seen = Change(feed.RECEIPT_READ, conversation.id, origin, unit.at, body=receipt, except_user_id=user_id)
    return Outcome(result, (own, seen))


def set_preferences(unit: Unit, command: SetPreferences) -> Outcome:
    """Answers the member, and the conversation's last number."""
    origin = command.origin
    conversation, member, _ = present(unit, command.conversation_id, origin)
    after = domain.preferring(member, command.preferences, conversation.last_seq)
    result = after, conversation.last_seq
    if after is member:
        return Outcome(result)
    values = {name: getattr(after, name) for name in ("muted_until", "notify", "favourite", "hidden_seq")}
    unit.connection.execute(_UPDATE_MEMBER, {**key_of(after), **values})
    body = membership_body(after, conversation.last_seq)
    change = unit.user_change(feed.PREFERENCES_UPDATED, after.user_id, conversation.id, origin, body)
    return Outcome(result, (change,))


def set_blocked(unit: Unit, command: SetBlocked) -> Outcome:
    """Nobody sees it but by being refused, so no log tells of it. Where there is no dm there is nothing to do."""
    workspace_id = command.origin.workspace_id
    id_ = unit.connection.scalar(_BY_PAIR, {"pair": command.pair, "workspace_id": workspace_id})
    conversation = unit.conversation((workspace_id, id_)) if id_ else None
    if conversation is None:
        return Outcome()
    after = domain.blocking(conversation, command.user_id, command.is_blocked)
    unit.connection.execute(_UPDATE_BLOCKED, {**conversation_key(after), "blocked": after.blocked})
    unit.put(after)
    return Outcome()


def told_of_end(connection: Connection, commands: Sequence[DeleteConversation]) -> set[UserKey]:
    """All members, when it is for the actor to end it."""
    keys = [(c.origin.workspace_id, c.conversation_id, c.origin.actor_id) for c in commands]
    return {(row.workspace_id, row.user_id) for row in by_keys(connection, _WITH_OWNER, _OWNED_BY, keys)}


def _told(unit: Unit, kind: str, conversation: domain.Conversation, command: Command) -> Outcome:
    conversation = advanced(conversation)
    body = snapshot_body(conversation, shown_members(unit, conversation))
    return Outcome(None, (unit.change(kind, conversation, command.origin, body=body),))


HANDLERS: Mapping[type[Command], Handler] = {
    CreateConversation: each(create),
    UpdateConversation: each(update_conversation),
    ArchiveConversation: each(archive),
    DeleteConversation: each(delete_conversation),
    JoinConversation: each(join_conversation),
    AddMembers: each(add_members),
    UpdateMember: each(update_member),
    RemoveMember: each(remove_member),
    MarkRead: each(mark_read),
    SetPreferences: each(set_preferences),
    SetBlocked: each(set_blocked),
}
TOLD: Mapping[type[Command], Told] = {DeleteConversation: told_of_end}

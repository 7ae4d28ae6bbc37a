"""How the journal carries out commands on conversations and members, one at a time."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import bindparam, delete, func, insert, select, update

from mesh.errors import NotFound
from services.message.command import Command, Origin
from services.message.conversations import domain
from services.message.conversations.domain import (
    AddMembers,
    Conversation,
    CreateConversation,
    Created,
    MarkRead,
    Member,
    ReadMark,
    RemoveMember,
    Role,
    UpdateConversation,
    UpdateMember,
)
from services.message.conversations.reads_sql import first_members, unread_counts
from services.message.feed import domain as feed
from services.message.feed.domain import Change
from services.message.feed.wire import member_body, receipt_body, snapshot_body, unread_body
from services.message.journal import Outcome
from services.message.rows import conversation_values, member_values
from services.message.tables import conversations, members
from services.message.unit_sql import Handler, Unit, advanced, each

_BY_PAIR = select(conversations.c.id).where(
    conversations.c.pair == bindparam("pair"), conversations.c.workspace_id == bindparam("workspace_id")
)
_INSERT, _INSERT_MEMBERS = insert(conversations), insert(members)
_OWNERS = select(func.count()).where(
    members.c.workspace_id == bindparam("workspace_id"),
    members.c.conversation_id == bindparam("conversation_id"),
    members.c.role == Role.OWNER,
)
_KEY = (
    members.c.workspace_id == bindparam("key_workspace"),
    members.c.conversation_id == bindparam("key_conversation"),
    members.c.user_id == bindparam("key_user"),
)
_UPDATE_MEMBER, _DELETE_MEMBER = update(members).where(*_KEY), delete(members).where(*_KEY)


def create(unit: Unit, command: CreateConversation) -> Outcome:
    conversation, joined = domain.found(command, unit.at)
    if conversation.pair is not None:
        key = {"pair": conversation.pair, "workspace_id": conversation.workspace_id}
        there = unit.connection.scalar(_BY_PAIR, key)
        if there is not None:
            return Outcome(Created(there, replayed=True))
    unit.connection.execute(_INSERT, conversation_values(conversation))
    unit.connection.execute(_INSERT_MEMBERS, [member_values(member) for member in joined])
    _note(unit, "member.added", command.origin, *[m for m in joined if m.user_id != command.origin.actor_id])
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
    conversation, actor, _ = _present(unit, command.conversation_id, command.origin)
    domain.check_manages(conversation, actor)
    changed = domain.changed(conversation, command, unit.at)
    if changed is conversation:
        return Outcome()
    changed = advanced(changed)
    body = snapshot_body(changed, _first_members(unit, changed))
    return Outcome(None, (unit.change(feed.CONVERSATION_UPDATED, changed, command.origin, body=body),))


def add_members(unit: Unit, command: AddMembers) -> Outcome:
    """Answers all members that were asked for, in that order."""
    conversation, actor, present = _present(unit, command.conversation_id, command.origin, *command.user_ids)
    domain.check_manages(conversation, actor)
    domain.check_grants(actor, command.role)
    new_ids = [user_id for user_id in command.user_ids if user_id not in present]
    joined = {m.user_id: m for m in domain.joining(conversation, new_ids, command.role, unit.at)}
    if joined:
        unit.connection.execute(_INSERT_MEMBERS, [member_values(member) for member in joined.values()])
    _note(unit, "member.added", command.origin, *joined.values())
    changes = _tell_joined(unit, conversation, list(joined.values()), command.origin)
    return Outcome([(present | joined)[user_id] for user_id in command.user_ids], changes)


def _tell_joined(unit: Unit, conversation: Conversation, joined: list[Member], origin: Origin) -> list[Change]:
    if not joined:
        return []
    shown = _first_members(unit, conversation)
    conversation = domain.touched(conversation, unit.at)
    conversation = replace(conversation, member_count=conversation.member_count + len(joined))
    changes = []
    for member in joined:
        conversation = advanced(conversation)
        user_id, body = member.user_id, snapshot_body(conversation, shown)
        about = {"body": member_body(member), "subject_id": user_id, "joining": (user_id,)}
        changes.append(unit.change(feed.MEMBER_ADDED, conversation, origin, **about))
        changes.append(unit.user_change(feed.CONVERSATION_ADDED, user_id, conversation.id, origin, body))
    return changes


def update_member(unit: Unit, command: UpdateMember) -> Outcome:
    """Answers the member."""
    conversation, actor, present = _present(unit, command.conversation_id, command.origin, command.user_id)
    domain.check_manages(conversation, actor)
    target = _target(present, command.user_id)
    changed = domain.with_role(actor, target, command.role, _owners(unit, conversation))
    if changed is target:
        return Outcome(target)
    unit.connection.execute(_UPDATE_MEMBER, {**_key(changed), "role": changed.role})
    _note(unit, "member.role_changed", command.origin, changed)
    conversation = advanced(domain.touched(conversation, unit.at))
    about = {"body": member_body(changed), "subject_id": changed.user_id}
    return Outcome(changed, (unit.change(feed.MEMBER_UPDATED, conversation, command.origin, **about),))


def remove_member(unit: Unit, command: RemoveMember) -> Outcome:
    origin = command.origin
    conversation, actor, present = _present(unit, command.conversation_id, origin, command.user_id)
    target = _target(present, command.user_id)
    domain.check_removes(conversation, actor, target, _owners(unit, conversation))
    unit.connection.execute(_DELETE_MEMBER, _key(target))
    _note(unit, "member.removed", origin, target)
    conversation = advanced(domain.touched(conversation, unit.at), member_count=conversation.member_count - 1)
    about = {"body": member_body(target), "subject_id": target.user_id, "except_user_id": target.user_id}
    body = snapshot_body(conversation)
    return Outcome(
        None,
        (
            unit.change(feed.MEMBER_REMOVED, conversation, origin, **about),
            unit.user_change(feed.CONVERSATION_REMOVED, target.user_id, conversation.id, origin, body),
        ),
    )


def mark_read(unit: Unit, command: MarkRead) -> Outcome:
    """Answers the mark as it is then."""
    origin, user_id = command.origin, command.origin.actor_id
    conversation, member, _ = _present(unit, command.conversation_id, origin)
    marked = domain.marked(member, command.seq, conversation.last_seq, unit.at)
    if marked is not member:
        unit.connection.execute(
            _UPDATE_MEMBER,
            {
                **_key(marked),
                "last_read_seq": marked.last_read_seq,
                "receipt_seq": marked.receipt_seq,
                "delivered_seq": marked.delivered_seq,
                "last_seen_at": marked.last_seen_at,
            },
        )
    unit.flush()  # The counts are to tell of what stands before in the batch.
    counts = unread_counts(unit.connection, origin.workspace_id, user_id, [conversation.id])[conversation.id]
    result = ReadMark(conversation.id, marked.last_read_seq, counts.unread, counts.mentions)
    if marked is member:
        return Outcome(result)
    body, receipt = unread_body(marked.last_read_seq, counts), receipt_body(marked)
    seen = Change(feed.RECEIPT_READ, conversation.id, origin, unit.at, body=receipt, except_user_id=user_id)
    return Outcome(result, (unit.user_change(feed.UNREAD_UPDATED, user_id, conversation.id, origin, body), seen))


def _note(unit: Unit, action: str, origin: Origin, *members: Member) -> None:
    for member in members:
        about = {"conversation_id": member.conversation_id, "role": member.role.name.lower()}
        unit.note(action, origin, member.user_id, **about)


def _present(
    unit: Unit, conversation_id: str, origin: Origin, *user_ids: str
) -> tuple[Conversation, Member, dict[str, Member]]:
    """The conversation, the actor, and which of the actor and `user_ids` are in it."""
    key = (origin.workspace_id, conversation_id)
    found = unit.members((*key, user_id) for user_id in (origin.actor_id, *user_ids))
    present = {user_id: member for (*_, user_id), member in found.items()}
    return *domain.visible(unit.conversation(key), present.get(origin.actor_id)), present


def _target(present: Mapping[str, Member], user_id: str) -> Member:
    if user_id not in present:
        raise NotFound("MEMBER_NOT_FOUND", "This user is not in the conversation.")
    return present[user_id]


def _first_members(unit: Unit, conversation: Conversation) -> list[Member]:
    return first_members(unit.connection, conversation.workspace_id, [conversation.id])[conversation.id]


def _owners(unit: Unit, conversation: Conversation) -> int:
    key = {"workspace_id": conversation.workspace_id, "conversation_id": conversation.id}
    return unit.connection.execute(_OWNERS, key).scalar_one()


def _key(member: Member) -> dict[str, str]:
    return {
        "key_workspace": member.workspace_id,
        "key_conversation": member.conversation_id,
        "key_user": member.user_id,
    }


HANDLERS: Mapping[type[Command], Handler] = {
    CreateConversation: each(create),
    UpdateConversation: each(update_conversation),
    AddMembers: each(add_members),
    UpdateMember: each(update_member),
    RemoveMember: each(remove_member),
    MarkRead: each(mark_read),
}

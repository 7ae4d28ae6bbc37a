"""How the journal carries out commands on invitations, one at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from sqlalchemy import bindparam, insert, select, update

from services.message.bans.reads_sql import check_not_banned
from services.message.command import Command, Origin
from services.message.conversations import domain as conversations
from services.message.conversations.domain import Conversation
from services.message.conversations.membership_sql import join, present
from services.message.feed.domain import INVITE_RECEIVED, INVITE_UPDATED, Change
from services.message.invites import domain
from services.message.invites.domain import (
    AcceptInvite,
    CreateInvite,
    DeclineInvite,
    Invite,
    RevokeInvite,
    Shown,
    State,
    people_of,
)
from services.message.invites.reads_sql import INVITE, invite_of
from services.message.invites.wire import invite_body
from services.message.journal import Outcome
from services.message.tables import invites
from services.message.unit_sql import Handler, Unit, each

_INSERT = insert(invites)
_UPDATE = update(invites).where(invites.c.id == bindparam("key"), invites.c.workspace_id == bindparam("key_workspace"))
_ONE = select(*INVITE).where(
    invites.c.id == bindparam("id"),
    invites.c.workspace_id == bindparam("workspace_id"),
    invites.c.conversation_id == bindparam("conversation_id"),
)
_WAITING = (
    select(*INVITE)
    .where(
        invites.c.workspace_id == bindparam("workspace_id"),
        invites.c.conversation_id == bindparam("conversation_id"),
        invites.c.user_id == bindparam("user_id"),
        invites.c.state == State.OPEN,
        invites.c.expires_at > bindparam("at", type_=invites.c.expires_at.type),
    )
    .limit(1)
)


def create(unit: Unit, command: CreateInvite) -> Outcome:
    """Answers what is shown of it. Who is invited already is answered with that."""
    origin, user_id = command.origin, command.user_id
    conversation, actor, there = present(unit, command.conversation_id, origin, *filter(None, [user_id]))
    conversations.check_invites(conversation, actor)
    conversations.check_grants(actor, command.role)
    if user_id:
        if user_id in there:
            raise domain.already_member()
        check_not_banned(unit, conversation, [user_id])
        key = {"workspace_id": origin.workspace_id, "conversation_id": conversation.id, "user_id": user_id}
        waiting = unit.connection.execute(_WAITING, {**key, "at": unit.at}).one_or_none()
        if waiting is not None:
            return Outcome(_shown(invite_of(waiting), conversation))
    invite = domain.made(command, unit.at)
    unit.connection.execute(_INSERT, asdict(invite))
    unit.note("invite.created", origin, user_id, conversation_id=conversation.id, invite_id=invite.id)
    body = invite_body(invite, conversation)
    changes = [unit.user_change(INVITE_UPDATED, invite.created_by, conversation.id, origin, body)]
    if user_id:
        changes.append(unit.user_change(INVITE_RECEIVED, user_id, conversation.id, origin, body))
    return Outcome(_shown(invite, conversation), changes)


def accept(unit: Unit, command: AcceptInvite) -> Outcome:
    origin, key = command.origin, (command.origin.workspace_id, command.conversation_id)
    conversation, invite = unit.conversation(key), _found(unit, command)
    if conversation is None or conversation.deleted_at is not None:
        raise domain.invalid()
    if invite is None or invite.user_id not in ("", origin.actor_id):
        raise domain.invalid()
    is_member = bool(unit.members([(*key, origin.actor_id)]))
    if is_member and (not invite.user_id or not invite.is_open(unit.at)):
        return Outcome()
    after = domain.accepted(invite, origin.actor_id, unit.at)
    changes: list[Change] = []
    if not is_member:
        conversations.check_writable(conversation)
        _, changes = join(unit, conversation, [origin.actor_id], invite.role, origin)
    changes += _updated(unit, after, conversation, origin)
    return Outcome(None, changes)


def decline(unit: Unit, command: DeclineInvite) -> Outcome:
    invite, origin = _found(unit, command), command.origin
    conversation = unit.conversation((origin.workspace_id, command.conversation_id))
    after = domain.declined(invite, origin.actor_id, unit.at)
    if after is invite or conversation is None:
        return Outcome()
    return Outcome(None, list(_updated(unit, after, conversation, origin)))


def revoke(unit: Unit, command: RevokeInvite) -> Outcome:
    origin = command.origin
    conversation, actor, _ = present(unit, command.conversation_id, origin)
    invite = _found(unit, command)
    after = domain.revoked(invite, actor)
    if after is invite:
        return Outcome()
    unit.note("invite.revoked", origin, after.user_id, conversation_id=conversation.id, invite_id=after.id)
    return Outcome(None, list(_updated(unit, after, conversation, origin)))


def _found(unit: Unit, command: AcceptInvite | DeclineInvite | RevokeInvite) -> Invite | None:
    key = {
        "id": command.invite_id,
        "workspace_id": command.origin.workspace_id,
        "conversation_id": command.conversation_id,
    }
    row = unit.connection.execute(_ONE, key).one_or_none()
    return None if row is None else invite_of(row)


def _updated(unit: Unit, invite: Invite, conversation: Conversation, origin: Origin) -> Iterator[Change]:
    key = {"key": invite.id, "key_workspace": invite.workspace_id}
    unit.connection.execute(_UPDATE, {**key, "uses": invite.uses, "state": invite.state})
    place = (invite.workspace_id, conversation.id)
    body = invite_body(invite, unit.conversation(place) or conversation)
    is_there = bool(unit.members([(*place, invite.created_by)]))
    for user_id in sorted(people_of(invite)):
        if is_there or user_id != invite.created_by:  # Who has left is not told how it goes on.
            yield unit.user_change(INVITE_UPDATED, user_id, conversation.id, origin, body)


def _shown(invite: Invite, conversation: Conversation) -> Shown:
    return Shown(invite, conversation.name, conversation.member_count)


HANDLERS: Mapping[type[Command], Handler] = {
    CreateInvite: each(create),
    AcceptInvite: each(accept),
    DeclineInvite: each(decline),
    RevokeInvite: each(revoke),
}

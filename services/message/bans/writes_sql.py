"""How the journal carries out commands on bans, one at a time."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import bindparam, delete, insert, select

from services.message.bans import domain
from services.message.bans.domain import Ban, BanUser, UnbanUser
from services.message.bans.reads_sql import BAN, ban_of
from services.message.bans.wire import ban_body
from services.message.command import Command
from services.message.conversations.domain import check_manages, touched
from services.message.conversations.membership_sql import part, present
from services.message.feed.domain import MEMBER_BANNED, MEMBER_UNBANNED, Change
from services.message.journal import Outcome
from services.message.tables import bans
from services.message.unit_sql import Handler, Unit, advanced, each

_KEY = (
    bans.c.workspace_id == bindparam("key_workspace"),
    bans.c.conversation_id == bindparam("key_conversation"),
    bans.c.user_id == bindparam("key_user"),
)
_ONE, _DELETE, _INSERT = select(*BAN).where(*_KEY), delete(bans).where(*_KEY), insert(bans)


def ban(unit: Unit, command: BanUser) -> Outcome:
    """Answers the ban."""
    conversation, actor, there = present(unit, command.conversation_id, command.origin, command.user_id)
    member = there.get(command.user_id)
    domain.check_bans(conversation, actor, member)
    before = _present_ban(unit, command)
    after = domain.banned(before, command, unit.at)
    if after is before and member is None:
        return Outcome(after)
    changes: list[Change] = []
    if member is not None:
        conversation, changes = part(unit, conversation, member, command.origin)
    unit.connection.execute(_DELETE, _key(command))
    unit.connection.execute(_INSERT, asdict(after))
    _note(unit, "member.banned", command)
    conversation = advanced(touched(conversation, unit.at))
    about = {"body": ban_body(after), "subject_id": after.user_id}
    changes.append(unit.change(MEMBER_BANNED, conversation, command.origin, **about))
    return Outcome(after, changes)


def unban(unit: Unit, command: UnbanUser) -> Outcome:
    conversation, actor, _ = present(unit, command.conversation_id, command.origin)
    check_manages(conversation, actor)
    before = _present_ban(unit, command)
    if before is None:
        return Outcome()
    unit.connection.execute(_DELETE, _key(command))
    _note(unit, "member.unbanned", command)
    conversation = advanced(touched(conversation, unit.at))
    about = {"body": ban_body(before), "subject_id": before.user_id}
    return Outcome(None, (unit.change(MEMBER_UNBANNED, conversation, command.origin, **about),))


def _present_ban(unit: Unit, command: BanUser | UnbanUser) -> Ban | None:
    row = unit.connection.execute(_ONE, _key(command)).one_or_none()
    return None if row is None else ban_of(row)


def _note(unit: Unit, action: str, command: BanUser | UnbanUser) -> None:
    unit.note(action, command.origin, command.user_id, conversation_id=command.conversation_id)


def _key(command: BanUser | UnbanUser) -> dict[str, str]:
    return {
        "key_workspace": command.origin.workspace_id,
        "key_conversation": command.conversation_id,
        "key_user": command.user_id,
    }


HANDLERS: Mapping[type[Command], Handler] = {BanUser: each(ban), UnbanUser: each(unban)}

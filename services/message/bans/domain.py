"""Rules of bans. No I/O, no wire format."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mesh.errors import Forbidden, Invalid, Violation
from services.message.command import Command
from services.message.conversations.domain import Conversation, Member, check_manages


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody is kept out of a conversation until a moment; for ever when that is None."""

    conversation_id: str
    workspace_id: str
    user_id: str
    banned_by: str
    reason: str
    created_at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class BanUser(Command):
    conversation_id: str
    user_id: str
    reason: str
    until: datetime | None

    @property
    def told_ids(self) -> Collection[str]:
        return (self.user_id,)


@dataclass(frozen=True, slots=True)
class UnbanUser(Command):
    conversation_id: str
    user_id: str


def check_bans(conversation: Conversation, actor: Member, target: Member | None) -> None:
    """Whether `actor` may ban `target`; None is somebody who is not in the conversation.

    Nobody bans who has as much as they have. Raises WrongState (DM_FIXED), Forbidden (ROLE_TOO_LOW).
    """
    check_manages(conversation, actor)
    if target is not None and target.role <= actor.role:
        raise Forbidden("ROLE_TOO_LOW", f"Your role does not reach a member who is {target.role.name.lower()}.")


def check_other(user_id: str, actor_id: str) -> None:
    """Raises Invalid (NOT_ONESELF)."""
    if user_id == actor_id:
        raise Invalid("NOT_ONESELF", "Nobody can do this to themselves.")


def banned(present: Ban | None, command: BanUser, at: datetime) -> Ban:
    """The ban that is wanted; the same object when it is there already.

    Raises Invalid (INVALID_REQUEST) for one that has ended.
    """
    if present is not None and (present.reason, present.until) == (command.reason, command.until):
        return present
    if command.until is not None and command.until <= at:
        detail = "must be in the future"
        raise Invalid(
            "INVALID_REQUEST", f"until: {detail}", violations=[Violation("until", "ban_user.until_later", detail)]
        )
    return Ban(
        conversation_id=command.conversation_id,
        workspace_id=command.origin.workspace_id,
        user_id=command.user_id,
        banned_by=command.origin.actor_id,
        reason=command.reason,
        created_at=at,
        until=command.until,
    )

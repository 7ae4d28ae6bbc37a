"""Rules of invitations. No I/O, no wire format."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

from mesh.errors import Error, Forbidden, Invalid, NotFound, Violation
from services.message.command import Command
from services.message.conversations.domain import Member, Role

WEEK_S = 7 * 24 * 3600
CODE_BYTES = 24


class State(IntEnum):
    """How an invitation stands. The numbers are those of the contract."""

    OPEN = 1
    ACCEPTED = 2
    DECLINED = 3
    REVOKED = 4


@dataclass(frozen=True, slots=True)
class Invite:
    """An invitation of `user_id`, or a link when that is empty: then `code_hash` is the SHA-256 of its code.

    What it grants was for its maker to grant when it was made; that they may be less by now does not end it.
    """

    id: str
    workspace_id: str
    conversation_id: str
    user_id: str
    code_hash: bytes | None
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime
    max_uses: int
    uses: int = 0
    state: State = State.OPEN

    def is_open(self, at: datetime) -> bool:
        is_left = not self.max_uses or self.uses < self.max_uses
        return self.state is State.OPEN and self.expires_at > at and is_left


@dataclass(frozen=True, slots=True)
class Shown:
    """An invitation with what it tells of the conversation."""

    invite: Invite
    conversation_name: str
    member_count: int


@dataclass(frozen=True, slots=True)
class CreateInvite(Command):
    """Makes the invitation `id`. `code_hash` is that of a link, None for a person."""

    conversation_id: str
    id: str
    user_id: str
    code_hash: bytes | None
    role: Role
    expires_in_s: int
    max_uses: int

    @property
    def told_ids(self) -> Collection[str]:
        return {self.origin.actor_id, self.user_id} - {""}


@dataclass(frozen=True, slots=True)
class _Answer(Command):
    """Of one invitation, as it was found outside of the transaction: its people never change."""

    conversation_id: str
    invite_id: str
    people: frozenset[str]

    @property
    def told_ids(self) -> Collection[str]:
        return self.people | {self.origin.actor_id}


@dataclass(frozen=True, slots=True)
class AcceptInvite(_Answer):
    """Makes the actor a member."""


@dataclass(frozen=True, slots=True)
class DeclineInvite(_Answer):
    """Refuses it, by who is invited."""


@dataclass(frozen=True, slots=True)
class RevokeInvite(_Answer):
    """Ends it, by who made it or an admin."""


def new_code() -> str:
    """The code of a link: 192 random bits as 32 characters."""
    return secrets.token_urlsafe(CODE_BYTES)


def hash_of(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def people_of(invite: Invite) -> frozenset[str]:
    """Whose own logs tell of it: who made it, and who is invited."""
    return frozenset({invite.created_by, invite.user_id} - {""})


def made(command: CreateInvite, at: datetime) -> Invite:
    return Invite(
        id=command.id,
        workspace_id=command.origin.workspace_id,
        conversation_id=command.conversation_id,
        user_id=command.user_id,
        code_hash=command.code_hash,
        role=command.role,
        created_by=command.origin.actor_id,
        created_at=at,
        expires_at=at + timedelta(seconds=command.expires_in_s or WEEK_S),
        max_uses=1 if command.user_id else command.max_uses,
    )


def accepted(invite: Invite | None, user_id: str, at: datetime) -> Invite:
    """The invitation, used once more. Raises NotFound (INVITE_INVALID)."""
    if invite is None or invite.user_id not in ("", user_id) or not invite.is_open(at):
        raise invalid()
    return replace(invite, uses=invite.uses + 1, state=State.ACCEPTED if invite.user_id else State.OPEN)


def declined(invite: Invite | None, user_id: str, at: datetime) -> Invite:
    """The invitation, refused; the same object when it is so already. Raises NotFound (INVITE_INVALID)."""
    if invite is None or invite.user_id != user_id:
        raise invalid()
    if invite.state is State.DECLINED:
        return invite
    if not invite.is_open(at):
        raise invalid()
    return replace(invite, state=State.DECLINED)


def revoked(invite: Invite | None, actor: Member) -> Invite:
    """The invitation, ended; the same object when it has ended already.

    Raises NotFound (INVITE_INVALID), Forbidden (ROLE_TOO_LOW).
    """
    if invite is None:
        raise invalid()
    if invite.created_by != actor.user_id and actor.role > Role.ADMIN:
        raise Forbidden("ROLE_TOO_LOW", "Only admins end the invitations of others.")
    return replace(invite, state=State.REVOKED) if invite.state is State.OPEN else invite


def invalid() -> Error:
    return NotFound("INVITE_INVALID", "This is no invitation, or it has ended.")


def already_member() -> Error:
    detail = "is in the conversation already"
    return Invalid(
        "INVALID_REQUEST", f"user_id: {detail}", violations=[Violation("user_id", "create_invite.not_member", detail)]
    )

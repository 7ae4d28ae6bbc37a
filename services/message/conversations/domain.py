"""Rules of conversations, members, roles and read marks. No I/O, no wire format."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from mesh.errors import Error, Forbidden, NotFound, Stale, WrongState
from services.message.command import Command, OwnCommand

FIRST_MEMBERS = 10
"""How many members a conversation shows by itself."""


class Kind(IntEnum):
    """What a conversation is for. The numbers are those of the contract."""

    DM = 1
    GROUP = 2
    CHANNEL = 3


class Visibility(IntEnum):
    """Who can see that a conversation exists. The numbers are those of the contract."""

    PRIVATE = 1
    PUBLIC = 2


class JoinPolicy(IntEnum):
    """How one becomes a member. The numbers are those of the contract."""

    INVITE = 1
    OPEN = 2


class Notify(IntEnum):
    """What somebody wants to be notified of. The numbers are those of the contract."""

    ALL = 1
    MENTIONS = 2
    NONE = 3


class Filter(IntEnum):
    """Which of one's conversations. The numbers are those of the contract."""

    ALL = 0
    """But the hidden ones."""
    UNREAD = 1
    MUTED = 2
    FAVOURITE = 3
    ARCHIVED = 4
    HIDDEN = 5


class Role(IntEnum):
    """Rights inside a conversation; the lower number has more. The numbers are those of the contract."""

    OWNER = 1
    ADMIN = 2
    MEMBER = 3
    GUEST = 4


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with the heads of its two counts. `pair` names the two people of a dm, None for a group.

    `version` is raised by every change but messages.
    """

    id: str
    workspace_id: str
    kind: Kind
    name: str
    topic: str
    pair: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    member_count: int
    version: int = 1
    last_seq: int = 0
    last_pos: int = 0
    avatar: str = ""
    visibility: Visibility = Visibility.PRIVATE
    join_policy: JoinPolicy = JoinPolicy.INVITE
    post_role: Role = Role.MEMBER
    invite_role: Role = Role.ADMIN
    mention_role: Role = Role.ADMIN
    pin_role: Role = Role.MEMBER
    slow_mode_s: int = 0
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    blocked: int = 0
    """Which of a dm refuse to hear from the other: 1 the first of the pair, 2 the second, 3 both."""

    @property
    def name_key(self) -> str:
        """The name whatever the case."""
        return self.name.casefold()

    @property
    def revision(self) -> str:
        """What begins its etags: it changes with all that a change of the conversation could overwrite."""
        return f"{self.id[-12:]}-{self.version}"

    def etag(self, *shown: object) -> str:
        """Changes with all that is shown of it, profiles apart. `shown` is what that is beside what its log tells."""
        seen = [hashlib.sha256(repr(shown).encode()).hexdigest()[:16]] if shown else []
        return "-".join((self.revision, str(self.last_pos), *seen))


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody's part in a conversation."""

    conversation_id: str
    workspace_id: str
    user_id: str
    role: Role
    joined_at: datetime
    last_read_seq: int = 0
    """By their own account; it may go back."""
    receipt_seq: int = 0
    """Up to where others know that they have read; it never goes back."""
    delivered_seq: int = 0
    last_seen_at: datetime | None = None
    muted_until: datetime | None = None
    notify: Notify = Notify.ALL
    favourite: bool = False
    hidden_seq: int = -1
    """Hidden while nothing was written after this number; -1 when not."""

    @property
    def seen_by_others(self) -> tuple[object, ...]:
        return (self.user_id, self.role, self.joined_at, self.receipt_seq, self.delivered_seq, self.last_seen_at)


@dataclass(frozen=True, slots=True)
class CreateConversation(Command):
    """Makes the conversation `id`, with the actor and `member_ids` (without the actor, each once) in it.

    `settings` are those beside name and topic, as `with_settings` takes them.
    """

    id: str
    kind: Kind
    name: str
    topic: str
    member_ids: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def told_ids(self) -> Collection[str]:
        return (self.origin.actor_id, *self.member_ids)


@dataclass(frozen=True, slots=True)
class UpdateConversation(Command):
    """Changes what `settings` names, as `with_settings` takes them. With an etag, only what it was read with."""

    conversation_id: str
    settings: Mapping[str, Any]
    etag: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveConversation(Command):
    """Makes it read-only, or ends that."""

    conversation_id: str
    is_archived: bool


@dataclass(frozen=True, slots=True)
class DeleteConversation(Command):
    """Ends it. All members are told in their own logs."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class JoinConversation(OwnCommand):
    conversation_id: str


@dataclass(frozen=True, slots=True)
class SetPreferences(OwnCommand):
    """Changes the actor's own settings, by their names in `Member`; `hidden` is a bool."""

    conversation_id: str
    preferences: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AddMembers(Command):
    conversation_id: str
    user_ids: tuple[str, ...]
    role: Role

    @property
    def told_ids(self) -> Collection[str]:
        return self.user_ids


@dataclass(frozen=True, slots=True)
class UpdateMember(Command):
    conversation_id: str
    user_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class RemoveMember(Command):
    """Ends a membership: somebody else's, or the actor's own, which is to leave."""

    conversation_id: str
    user_id: str

    @property
    def told_ids(self) -> Collection[str]:
        return (self.user_id,)


@dataclass(frozen=True, slots=True)
class MarkRead(OwnCommand):
    conversation_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class SetBlocked(Command):
    """Whether `user_id`, one of the pair of a dm, refuses to hear from the other."""

    pair: str
    user_id: str
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class Created:
    """`replayed` is true when the conversation was there before."""

    conversation_id: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages of others after somebody's read mark that are not deleted, and how many of them mention them."""

    unread: int
    mentions: int


@dataclass(frozen=True, slots=True)
class ReadMark:
    """Up to where somebody has read, and what is left."""

    conversation_id: str
    last_read_seq: int
    unread_count: int
    mention_count: int


def pair_of(one: str, other: str) -> str:
    """The key of the one conversation that two people have."""
    return ":".join(sorted((one, other)))


def found(command: CreateConversation, at: datetime) -> tuple[Conversation, list[Member]]:
    """The new conversation and its members, the actor first, with the usual settings."""
    actor_id, workspace_id = command.origin.actor_id, command.origin.workspace_id
    is_dm = command.kind is Kind.DM
    conversation = Conversation(
        id=command.id,
        workspace_id=workspace_id,
        kind=command.kind,
        name=command.name,
        topic=command.topic,
        pair=pair_of(actor_id, command.member_ids[0]) if is_dm else None,
        created_by=actor_id,
        created_at=at,
        updated_at=at,
        member_count=1 + len(command.member_ids),
    )
    first = Member(command.id, workspace_id, actor_id, Role.MEMBER if is_dm else Role.OWNER, at)
    return conversation, [first, *joining(conversation, command.member_ids, Role.MEMBER, at + _STEP)]


def joining(conversation: Conversation, user_ids: Sequence[str], role: Role, at: datetime) -> list[Member]:
    """New members, a microsecond apart, so that the order of joining is total. What was said before is not unread."""
    id_, workspace_id, seq = conversation.id, conversation.workspace_id, conversation.last_seq
    return [
        Member(id_, workspace_id, user_id, role, at + i * _STEP, last_read_seq=seq, receipt_seq=seq, delivered_seq=seq)
        for i, user_id in enumerate(user_ids)
    ]


def visible(conversation: Conversation | None, member: Member | None) -> tuple[Conversation, Member]:
    """Both, as far as they are there. Raises NotFound (CONVERSATION_NOT_FOUND): others cannot tell the two apart."""
    if conversation is None or member is None:
        raise not_found()
    return conversation, member


def not_found() -> Error:
    return NotFound("CONVERSATION_NOT_FOUND", "There is no such conversation, or you are not in it.")


def check_role(member: Member, least: Role) -> None:
    """Raises Forbidden (ROLE_TOO_LOW)."""
    if member.role > least:
        raise Forbidden("ROLE_TOO_LOW", f"Your role here is {member.role.name.lower()}; this needs more.")


def check_writable(conversation: Conversation) -> None:
    """Raises WrongState (CONVERSATION_ARCHIVED)."""
    if conversation.archived_at is not None:
        raise WrongState("CONVERSATION_ARCHIVED", "The conversation is archived. It can only be read.")


def check_posts(conversation: Conversation, member: Member) -> None:
    """Whether a member may write: messages, edits of them, reactions.

    Raises WrongState (CONVERSATION_ARCHIVED), Forbidden (ROLE_TOO_LOW, CONTACT_REFUSED).
    """
    check_writable(conversation)
    check_role(member, _least(conversation.post_role))
    if conversation.blocked:
        raise Forbidden("CONTACT_REFUSED", "One of you does not want to hear from the other.")


def check_pins(conversation: Conversation, member: Member) -> None:
    """Raises WrongState (CONVERSATION_ARCHIVED), Forbidden (ROLE_TOO_LOW)."""
    check_writable(conversation)
    check_role(member, _least(conversation.pin_role))


def check_mentions_everybody(conversation: Conversation, member: Member) -> None:
    """Raises Forbidden (ROLE_TOO_LOW)."""
    check_role(member, _least(conversation.mention_role))


def check_invites(conversation: Conversation, member: Member) -> None:
    """Whether a member may add and invite people.

    Raises WrongState (DM_FIXED, CONVERSATION_ARCHIVED), Forbidden (ROLE_TOO_LOW).
    """
    _check_group(conversation)
    check_writable(conversation)
    check_role(member, _least(conversation.invite_role))


def check_manages(conversation: Conversation, actor: Member) -> None:
    """Raises WrongState (DM_FIXED) for a conversation of two, Forbidden (ROLE_TOO_LOW) below admin."""
    _check_group(conversation)
    check_role(actor, Role.ADMIN)


def check_grants(actor: Member, role: Role) -> None:
    """Nobody grants more than they have. Raises Forbidden (ROLE_TOO_LOW)."""
    check_role(actor, role)


def check_unchanged(conversation: Conversation, etag: str) -> None:
    """Raises Stale (ETAG_MISMATCH) when more than messages came since the etag was read."""
    check_etag("-".join(etag.split("-", 2)[:2]), conversation.revision)


def archived(conversation: Conversation, is_archived: bool, at: datetime) -> Conversation:
    """The conversation archived, or not any more; the same object when it is so already."""
    if is_archived == (conversation.archived_at is not None):
        return conversation
    return touched(replace(conversation, archived_at=at if is_archived else None), at)


def deleted(conversation: Conversation, actor: Member, at: datetime) -> Conversation:
    """The end of a conversation. Raises WrongState (DM_FIXED), Forbidden (ROLE_TOO_LOW)."""
    _check_group(conversation)
    check_role(actor, Role.OWNER)
    return touched(replace(conversation, deleted_at=at, member_count=0), at)


def blocking(conversation: Conversation, user_id: str, is_blocked: bool) -> Conversation:
    """The dm with what one of its people wants; an equal one when that is so already."""
    assert conversation.pair is not None  # Only a dm has two people.
    mine = 1 if conversation.pair.startswith(f"{user_id}:") else 2
    return replace(conversation, blocked=conversation.blocked | mine if is_blocked else conversation.blocked & ~mine)


def check_joins(conversation: Conversation) -> None:
    """Whether somebody may come in by themselves.

    Raises NotFound (CONVERSATION_NOT_FOUND), WrongState (CONVERSATION_ARCHIVED), Forbidden (NOT_OPEN).
    """
    if conversation.visibility is not Visibility.PUBLIC or conversation.deleted_at is not None:
        raise not_found()
    check_writable(conversation)
    if conversation.join_policy is not JoinPolicy.OPEN:
        raise Forbidden("NOT_OPEN", "This channel cannot be joined without an invitation.")


def entering(conversation: Conversation, role: Role) -> Role:
    """The role of somebody who comes in: an empty conversation gets an owner again."""
    return role if conversation.member_count else Role.OWNER


def preferring(member: Member, preferences: Mapping[str, Any], last_seq: int) -> Member:
    """The member with other settings of their own; the same object when nothing is new."""
    values = {name: value for name, value in preferences.items() if name != "hidden"}
    hidden = preferences.get("hidden", is_hidden(member, last_seq))
    if hidden != is_hidden(member, last_seq):
        values["hidden_seq"] = last_seq if hidden else -1
    changed = replace(member, **values)
    return member if changed == member else changed


def is_hidden(member: Member, last_seq: int) -> bool:
    """A new message shows it again. `last_seq` is the conversation's."""
    return member.hidden_seq >= last_seq


def touched(conversation: Conversation, at: datetime) -> Conversation:
    """The conversation after a change that its etag tells of."""
    return replace(conversation, version=conversation.version + 1, updated_at=at)


def check_etag(asked: str, present: str) -> None:
    """Raises Stale (ETAG_MISMATCH) unless nothing, or what is there now, was asked for."""
    if asked and asked != present:
        raise Stale("ETAG_MISMATCH", "It has changed since the etag was read. Read it again.")


def with_role(actor: Member, target: Member, role: Role, owners: int) -> Member:
    """The member with another role; the same object when nothing is new. `owners` is how many the group has.

    Raises Forbidden (ROLE_TOO_LOW), WrongState (LAST_OWNER).
    """
    _check_touches(actor, target)
    check_grants(actor, role)
    if role is target.role:
        return target
    if target.role is Role.OWNER and owners == 1:
        raise _last_owner()
    return replace(target, role=role)


def check_removes(conversation: Conversation, actor: Member, target: Member, owners: int) -> None:
    """Whether `actor` may end the membership of `target`, possibly their own.

    Raises WrongState (DM_FIXED, LAST_OWNER), Forbidden (ROLE_TOO_LOW).
    """
    if actor.user_id != target.user_id:
        check_manages(conversation, actor)
        _check_touches(actor, target)
    _check_group(conversation)
    if target.role is Role.OWNER and owners == 1 and conversation.member_count > 1:
        raise _last_owner()


def marked(member: Member, seq: int, last_seq: int, at: datetime) -> Member:
    """The member having read up to `seq`: never back, never beyond the last message; else the same object.

    What is read has been delivered too.
    """
    seq = min(seq, last_seq)
    if seq <= member.last_read_seq:
        return member
    receipt_seq, delivered_seq = max(seq, member.receipt_seq), max(seq, member.delivered_seq)
    return replace(member, last_read_seq=seq, receipt_seq=receipt_seq, delivered_seq=delivered_seq, last_seen_at=at)


def others(user_ids: Collection[str], actor_id: str) -> tuple[str, ...]:
    """`user_ids` without the actor and without repeats, in their order."""
    return tuple(dict.fromkeys(user_id for user_id in user_ids if user_id != actor_id))


def _least(role: Role) -> Role:
    """What a permission comes to: admins always may, guests only read."""
    return min(max(role, Role.ADMIN), Role.MEMBER)


def _check_group(conversation: Conversation) -> None:
    if conversation.kind is Kind.DM:
        raise WrongState("DM_FIXED", "A conversation of two people stays as it is.")


def _check_touches(actor: Member, target: Member) -> None:
    if actor.role is not Role.OWNER and actor.user_id != target.user_id and target.role <= actor.role:
        raise Forbidden("ROLE_TOO_LOW", f"Your role does not reach a member who is {target.role.name.lower()}.")


def _last_owner() -> Error:
    return WrongState("LAST_OWNER", "A group keeps an owner while it has members. Make somebody else an owner first.")


_STEP = timedelta(microseconds=1)

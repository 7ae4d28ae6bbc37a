"""What can be set of a conversation: the usual values, and which go together. No I/O, no wire format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from mesh.errors import Error, Invalid, Violation
from services.message.conversations.domain import (
    Conversation,
    JoinPolicy,
    Kind,
    Role,
    UpdateConversation,
    Visibility,
    check_unchanged,
    touched,
)

Settings = Mapping[str, Any]
"""Fields of a conversation by name. A role of None stands for the usual one."""

ROLES: Mapping[str, str] = {
    "post_role": "permissions.post",
    "invite_role": "permissions.invite",
    "mention_role": "permissions.mention_all",
    "pin_role": "permissions.pin",
}
"""Permissions, as the contract calls them."""

_PLAIN: Settings = {"visibility": Visibility.PRIVATE, "join_policy": JoinPolicy.INVITE}


def with_settings(conversation: Conversation, settings: Settings) -> Conversation:
    """The conversation with other settings; an equal one when nothing is new.

    What becomes private is joined by invitation from then on. Raises Invalid (INVALID_REQUEST) for what does not go
    together.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    changed = replace(conversation, **given)
    if changed.visibility is Visibility.PRIVATE and "join_policy" not in given:
        changed = replace(changed, join_policy=JoinPolicy.INVITE)
    usual = _usual(changed.visibility)
    changed = replace(changed, **{name: usual[name] for name, value in settings.items() if value is None})
    broken = list(_broken(changed))
    if broken:
        raise _invalid(broken)
    return changed


def changed(conversation: Conversation, command: UpdateConversation, at: datetime) -> Conversation:
    """The conversation with new settings; the same object when nothing is new, whatever the etag.

    So a repeat is answered like the first time. Raises Invalid (INVALID_REQUEST), Stale (ETAG_MISMATCH).
    """
    after = with_settings(conversation, command.settings)
    if after == conversation:
        return conversation
    check_unchanged(conversation, command.etag)
    return touched(after, at)


def check_new(kind: Kind, settings: Settings, actor_id: str, member_ids: Sequence[str]) -> None:
    """Raises Invalid (INVALID_REQUEST) for a conversation of two that is not one."""
    if kind is not Kind.DM:
        return
    broken = []
    if len(member_ids) != 1:
        broken.append(Violation("member_ids", "create_conversation.one_member", "must name exactly one user"))
    elif actor_id in member_ids:
        broken.append(Violation("member_ids[0]", "create_conversation.not_oneself", "must be somebody else"))
    for name, value in settings.items():
        if value and value != _PLAIN.get(name):
            field = ROLES.get(name, name)
            broken.append(Violation(field, "create_conversation.plain_dm", "must be empty for two people"))
    if broken:
        raise _invalid(broken)


def _usual(visibility: Visibility) -> Settings:
    return {
        "post_role": Role.MEMBER,
        "invite_role": Role.MEMBER if visibility is Visibility.PUBLIC else Role.ADMIN,
        "mention_role": Role.ADMIN,
        "pin_role": Role.MEMBER,
    }


def _broken(conversation: Conversation) -> Iterator[Violation]:
    is_public = conversation.visibility is Visibility.PUBLIC
    if is_public and conversation.kind is not Kind.CHANNEL:
        yield Violation("visibility", "conversation.public_channel", "can be public for channels only")
    if conversation.join_policy is JoinPolicy.OPEN and not is_public:
        yield Violation("join_policy", "conversation.open_channel", "can be open for public channels only")


def _invalid(broken: Sequence[Violation]) -> Error:
    summary = "; ".join(f"{v.field}: {v.detail}" for v in broken)
    return Invalid("INVALID_REQUEST", summary, violations=broken)

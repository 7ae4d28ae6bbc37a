"""What can be set of a conversation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mesh.errors import Error, Invalid, Stale
from services.message.command import Origin
from services.message.conversations.domain import (
    Conversation,
    JoinPolicy,
    Kind,
    Role,
    UpdateConversation,
    Visibility,
)
from services.message.conversations.settings import changed, check_new, with_settings

AT = datetime(2026, 5, 1, tzinfo=UTC)
PUBLIC, PRIVATE = Visibility.PUBLIC, Visibility.PRIVATE
ROLES = ("post_role", "invite_role", "mention_role", "pin_role")


def conversation(kind: Kind = Kind.CHANNEL) -> Conversation:
    return Conversation("c", "w", kind, "name", "topic", None, "o", AT, AT, 3, last_seq=10)


def update(etag: str = "", **settings: Any) -> UpdateConversation:
    return UpdateConversation(Origin("a", "w"), "c", settings, etag)


def reason_of(caught: pytest.ExceptionInfo[Error]) -> str:
    return caught.value.reason


@pytest.mark.parametrize(
    ("settings", "member_ids", "fields"),
    [
        ({}, [], ["member_ids"]),
        ({}, ["b", "c"], ["member_ids"]),
        ({}, ["a"], ["member_ids[0]"]),
        (
            {"name": "n", "topic": "t", "avatar": "https://a", "slow_mode_s": 1},
            ["b"],
            ["name", "topic", "avatar", "slow_mode_s"],
        ),
        ({"visibility": PUBLIC, "join_policy": JoinPolicy.OPEN}, ["b"], ["visibility", "join_policy"]),
        (
            {"post_role": Role.ADMIN, "mention_role": Role.MEMBER},
            ["b"],
            ["permissions.post", "permissions.mention_all"],
        ),
    ],
)
def test_a_dm_is_two_people_and_nothing_else(
    settings: dict[str, Any], member_ids: list[str], fields: list[str]
) -> None:
    """Everything that is wrong is named."""
    with pytest.raises(Invalid) as caught:
        check_new(Kind.DM, settings, "a", member_ids)
    assert reason_of(caught) == "INVALID_REQUEST"
    assert [v.field for v in caught.value.violations] == fields


def test_good_conversations_pass() -> None:
    """A dm with one other, a group with any number."""
    unset = {"name": "", "visibility": PRIVATE, "join_policy": JoinPolicy.INVITE, "post_role": None, "slow_mode_s": 0}
    check_new(Kind.DM, unset, "a", ["b"])
    check_new(Kind.GROUP, {"name": "n", "slow_mode_s": 9}, "a", [])


def test_roles_that_are_not_given_are_the_usual_ones() -> None:
    """In public channels all members invite."""
    for visibility, invite in ((PRIVATE, Role.ADMIN), (PUBLIC, Role.MEMBER)):
        made = with_settings(conversation(), {"visibility": visibility, **dict.fromkeys(ROLES)})
        assert [getattr(made, name) for name in ROLES] == [Role.MEMBER, invite, Role.ADMIN, Role.MEMBER]
    given = with_settings(conversation(), {"post_role": Role.ADMIN, "invite_role": None})
    assert (given.post_role, given.invite_role) == (Role.ADMIN, Role.ADMIN)


@pytest.mark.parametrize(
    ("kind", "settings", "field"),
    [
        (Kind.GROUP, {"visibility": PUBLIC}, "visibility"),
        (Kind.CHANNEL, {"join_policy": JoinPolicy.OPEN}, "join_policy"),
        (Kind.CHANNEL, {"visibility": PRIVATE, "join_policy": JoinPolicy.OPEN}, "join_policy"),
    ],
)
def test_only_public_channels_are_open_and_only_channels_public(
    kind: Kind, settings: dict[str, Any], field: str
) -> None:
    """What does not go together is named."""
    with pytest.raises(Invalid) as caught:
        with_settings(conversation(kind), settings)
    assert [v.field for v in caught.value.violations] == [field]


def test_what_becomes_private_is_not_open_any_more() -> None:
    """It need not be said."""
    is_open = with_settings(conversation(), {"visibility": PUBLIC, "join_policy": JoinPolicy.OPEN})
    assert is_open.join_policy is JoinPolicy.OPEN
    assert with_settings(is_open, {"visibility": PRIVATE}).join_policy is JoinPolicy.INVITE


def test_only_what_is_new_changes_a_conversation() -> None:
    """What is not named stays; an equal value is no change."""
    before = conversation()
    assert changed(before, update(), AT) is before
    assert changed(before, update(name="name", topic="topic", pin_role=None), AT) is before
    later = AT + timedelta(days=1)
    after = changed(before, update(name="new"), later)
    assert (after.name, after.topic, after.updated_at) == ("new", "topic", later)
    assert changed(before, update(topic=""), later).topic == ""


def test_a_change_takes_the_present_etag_or_none() -> None:
    """Each change makes another; what is there already is no change, so that a repeat is answered like the first."""
    before = conversation()
    after = changed(before, update(before.etag(), name="new"), AT)
    assert after.etag() != before.etag()
    assert changed(after, update(before.etag(), name="new"), AT) is after
    for stale in (before.etag(), before.etag(7), "W/", after.id):
        with pytest.raises(Stale) as caught:
            changed(after, update(stale, name="newer"), AT)
        assert reason_of(caught) == "ETAG_MISMATCH"


def test_messages_change_what_is_shown_but_disturb_no_change() -> None:
    """Whoever has it as it was is told of more; whoever changes it overwrites nothing by that."""
    before = conversation()
    after = replace(before, last_seq=11, last_pos=11)
    assert len({before.etag(), after.etag(), after.etag(10), after.etag(11)}) == 4
    for read in (before.etag(), after.etag(10)):
        assert changed(after, update(read, name="new"), AT).name == "new"
    assert len(after.etag(10)) <= 64

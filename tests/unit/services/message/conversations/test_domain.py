"""Rules of conversations, roles and read marks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mesh.errors import Error, Forbidden, NotFound, WrongState
from services.message.command import Command, Origin
from services.message.conversations.domain import (
    Conversation,
    CreateConversation,
    JoinPolicy,
    Kind,
    Member,
    Notify,
    Role,
    Visibility,
    archived,
    check_grants,
    check_invites,
    check_joins,
    check_manages,
    check_mentions_everybody,
    check_pins,
    check_posts,
    check_removes,
    check_role,
    deleted,
    entering,
    found,
    is_hidden,
    joining,
    marked,
    others,
    pair_of,
    preferring,
    visible,
    with_role,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)
OWNER, ADMIN, MEMBER, GUEST = Role.OWNER, Role.ADMIN, Role.MEMBER, Role.GUEST


def conversation(kind: Kind = Kind.GROUP, member_count: int = 3) -> Conversation:
    return Conversation("c", "w", kind, "name", "topic", None, "o", AT, AT, member_count, last_seq=10)


def member(role: Role, user_id: str = "", last_read_seq: int = 0) -> Member:
    return Member("c", "w", user_id or role.name, role, AT, last_read_seq)


def reason_of(caught: pytest.ExceptionInfo[Error]) -> str:
    return caught.value.reason


def test_a_command_without_a_body_has_no_size() -> None:
    """Only texts count towards the bytes of a batch."""
    assert Command(Origin()).size == 0


def test_a_pair_has_one_key() -> None:
    """Who begins does not matter."""
    assert pair_of("a", "b") == pair_of("b", "a") == "a:b"


def test_others_are_named_once_and_without_the_actor() -> None:
    """Their order stays."""
    assert others(["b", "a", "c", "b"], "a") == ("b", "c")


def test_a_new_group_has_an_owner_who_comes_first() -> None:
    """The others follow in the order given."""
    command = CreateConversation(Origin("a", "w"), id="c", kind=Kind.GROUP, name="n", topic="t", member_ids=("z", "b"))
    made, members = found(command, AT)
    assert (made.pair, made.member_count, made.last_pos, made.created_by) == (None, 3, 0, "a")
    assert {made.workspace_id, *[m.workspace_id for m in members]} == {"w"}
    assert [(m.user_id, m.role) for m in members] == [("a", OWNER), ("z", MEMBER), ("b", MEMBER)]
    assert sorted(members, key=lambda m: m.joined_at) == members
    assert len({m.joined_at for m in members}) == 3


def test_a_new_dm_has_two_equal_members() -> None:
    """Neither owns it, and the pair names it."""
    command = CreateConversation(Origin("b", "w"), id="c", kind=Kind.DM, name="", topic="", member_ids=("a",))
    made, members = found(command, AT)
    assert made.pair == "a:b"
    assert [m.role for m in members] == [MEMBER, MEMBER]


def test_members_join_one_after_the_other() -> None:
    """A microsecond lies between two."""
    assert [m.joined_at - AT for m in joining(conversation(), ["a", "b"], GUEST, AT)] == [
        timedelta(0),
        timedelta(microseconds=1),
    ]


def test_a_conversation_exists_only_for_its_members() -> None:
    """A missing conversation and a missing membership look the same."""
    for pair in ((None, member(OWNER)), (conversation(), None)):
        with pytest.raises(NotFound) as caught:
            visible(*pair)
        assert reason_of(caught) == "CONVERSATION_NOT_FOUND"
    assert visible(conversation(), member(GUEST)) == (conversation(), member(GUEST))


@pytest.mark.parametrize(
    ("role", "least", "allowed"), [(OWNER, ADMIN, True), (ADMIN, ADMIN, True), (GUEST, MEMBER, False)]
)
def test_a_role_includes_those_below_it(role: Role, least: Role, allowed: bool) -> None:
    """Less than the least is refused."""
    if allowed:
        check_role(member(role), least)
    else:
        with pytest.raises(Forbidden) as caught:
            check_role(member(role), least)
        assert reason_of(caught) == "ROLE_TOO_LOW"


def test_admins_manage_groups_and_nobody_a_dm() -> None:
    """A dm is fixed for everybody, whatever the role."""
    check_manages(conversation(), member(ADMIN))
    with pytest.raises(Forbidden):
        check_manages(conversation(), member(MEMBER))
    with pytest.raises(WrongState) as caught:
        check_manages(conversation(Kind.DM), member(OWNER))
    assert reason_of(caught) == "DM_FIXED"


@pytest.mark.parametrize(
    ("check", "permission"),
    [
        (check_posts, "post_role"),
        (check_pins, "pin_role"),
        (check_mentions_everybody, "mention_role"),
        (check_invites, "invite_role"),
    ],
)
def test_a_permission_is_the_least_role(check: Callable[[Conversation, Member], None], permission: str) -> None:
    """Whatever it says, admins may all the same, and guests only read."""
    allowed = {}
    for least in Role:
        least_of: dict[str, Any] = {permission: least}
        asked = replace(conversation(), **least_of)
        allowed[least] = [role for role in Role if not _refused(check, asked, member(role))]
    few, most = [OWNER, ADMIN], [OWNER, ADMIN, MEMBER]
    assert allowed == {OWNER: few, ADMIN: few, MEMBER: most, GUEST: most}


def _refused(check: Callable[[Conversation, Member], None], asked: Conversation, actor: Member) -> str:
    try:
        check(asked, actor)
    except Error as error:
        return error.reason
    return ""


@pytest.mark.parametrize("check", [check_posts, check_pins, check_invites])
def test_what_is_archived_can_only_be_read(check: Callable[[Conversation, Member], None]) -> None:
    """By its owner too."""
    assert _refused(check, replace(conversation(), archived_at=AT), member(OWNER)) == "CONVERSATION_ARCHIVED"


def test_nobody_writes_to_two_of_whom_one_refuses() -> None:
    """Neither of them, whoever it was."""
    for blocked in (1, 2, 3):
        dm = replace(conversation(Kind.DM, 2), blocked=blocked)
        assert _refused(check_posts, dm, member(MEMBER)) == "CONTACT_REFUSED"
    assert _refused(check_posts, conversation(Kind.DM, 2), member(MEMBER)) == ""


def test_nobody_grants_more_than_they_have() -> None:
    """An admin makes admins, not owners."""
    check_grants(member(ADMIN), ADMIN)
    with pytest.raises(Forbidden):
        check_grants(member(ADMIN), OWNER)


def test_archiving_is_once() -> None:
    """And so is its end."""
    before = conversation()
    after = archived(before, True, AT)
    assert (after.archived_at, after.etag() != before.etag()) == (AT, True)
    assert archived(after, True, AT) is after
    assert archived(before, False, AT) is before
    assert archived(after, False, AT).archived_at is None


@pytest.mark.parametrize(
    ("kind", "role", "reason"),
    [(Kind.GROUP, ADMIN, "ROLE_TOO_LOW"), (Kind.DM, OWNER, "DM_FIXED"), (Kind.GROUP, OWNER, "")],
)
def test_the_owner_ends_a_conversation(kind: Kind, role: Role, reason: str) -> None:
    """Nobody is in it any more."""
    if reason:
        with pytest.raises(Error, match=reason):
            deleted(conversation(kind), member(role), AT)
    else:
        end = deleted(conversation(kind), member(role), AT)
        assert (end.deleted_at, end.member_count) == (AT, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"join_policy": JoinPolicy.INVITE}, "NOT_OPEN"),
        ({"archived_at": AT}, "CONVERSATION_ARCHIVED"),
        ({"visibility": Visibility.PRIVATE}, "CONVERSATION_NOT_FOUND"),
        ({"deleted_at": AT}, "CONVERSATION_NOT_FOUND"),
    ],
)
def test_what_is_public_and_open_can_be_joined(changes: dict[str, Any], reason: str) -> None:
    """What is private does not exist for who would join it."""
    channel = replace(conversation(), visibility=Visibility.PUBLIC, join_policy=JoinPolicy.OPEN)
    if reason:
        with pytest.raises(Error, match=reason):
            check_joins(replace(channel, **changes))
    else:
        check_joins(replace(channel, **changes))


def test_who_comes_into_an_empty_conversation_owns_it() -> None:
    """It always has an owner while somebody is in it."""
    assert entering(conversation(member_count=0), GUEST) is OWNER
    assert entering(conversation(member_count=1), GUEST) is GUEST


def test_what_is_hidden_stays_so_until_the_next_message() -> None:
    """The number after which it shows is kept."""
    hidden = preferring(member(MEMBER), {"hidden": True}, 10)
    assert (hidden.hidden_seq, is_hidden(hidden, 10), is_hidden(hidden, 11)) == (10, True, False)
    assert preferring(hidden, {"hidden": True}, 10) is hidden
    assert preferring(hidden, {"hidden": False}, 11) is hidden
    assert preferring(hidden, {"hidden": True}, 11).hidden_seq == 11
    assert preferring(hidden, {"hidden": False}, 10).hidden_seq == -1


def test_preferences_that_are_the_same_are_no_change() -> None:
    """Those that are not named stay."""
    before = replace(member(MEMBER), notify=Notify.NONE, favourite=True)
    assert preferring(before, {"notify": Notify.NONE}, 10) is before
    after = preferring(before, {"muted_until": AT, "favourite": False}, 10)
    assert (after.muted_until, after.notify, after.favourite) == (AT, Notify.NONE, False)


@pytest.mark.parametrize(
    ("actor", "target", "role", "owners", "reason"),
    [
        (member(ADMIN), member(MEMBER), ADMIN, 1, None),
        (member(ADMIN), member(MEMBER), OWNER, 1, "ROLE_TOO_LOW"),
        (member(ADMIN), member(ADMIN, "other"), MEMBER, 1, "ROLE_TOO_LOW"),
        (member(ADMIN), member(OWNER), MEMBER, 2, "ROLE_TOO_LOW"),
        (member(ADMIN), member(ADMIN), MEMBER, 1, None),
        (member(OWNER), member(ADMIN), GUEST, 1, None),
        (member(OWNER), member(MEMBER), OWNER, 1, None),
        (member(OWNER), member(OWNER, "other"), MEMBER, 2, None),
        (member(OWNER), member(OWNER), ADMIN, 2, None),
        (member(OWNER), member(OWNER), ADMIN, 1, "LAST_OWNER"),
    ],
)
def test_who_gives_whom_which_role(actor: Member, target: Member, role: Role, owners: int, reason: str | None) -> None:
    """Upwards only to one's own role, and never to those who have as much; owners may do all but go missing."""
    if reason is None:
        assert with_role(actor, target, role, owners).role is role
    else:
        with pytest.raises(Error) as caught:
            with_role(actor, target, role, owners)
        assert reason_of(caught) == reason


def test_the_same_role_is_no_change() -> None:
    """The very same member comes back, even the last owner."""
    owner = member(OWNER)
    assert with_role(owner, owner, OWNER, 1) is owner


@pytest.mark.parametrize(
    ("actor", "target", "owners", "count", "reason"),
    [
        (member(ADMIN), member(MEMBER), 1, 3, None),
        (member(MEMBER), member(GUEST), 1, 3, "ROLE_TOO_LOW"),
        (member(ADMIN), member(ADMIN, "other"), 1, 3, "ROLE_TOO_LOW"),
        (member(OWNER), member(OWNER, "other"), 2, 3, None),
        (member(GUEST), member(GUEST), 1, 3, None),
        (member(OWNER), member(OWNER), 2, 3, None),
        (member(OWNER), member(OWNER), 1, 3, "LAST_OWNER"),
        (member(OWNER), member(OWNER), 1, 1, None),
    ],
)
def test_who_removes_whom(actor: Member, target: Member, owners: int, count: int, reason: str | None) -> None:
    """Anybody leaves, except the last owner while others are there."""
    if reason is None:
        check_removes(conversation(member_count=count), actor, target, owners)
    else:
        with pytest.raises(Error) as caught:
            check_removes(conversation(member_count=count), actor, target, owners)
        assert reason_of(caught) == reason


@pytest.mark.parametrize("target", ["MEMBER", "other"])
def test_nobody_leaves_a_dm(target: str) -> None:
    """Neither oneself nor the other."""
    with pytest.raises(WrongState) as caught:
        check_removes(conversation(Kind.DM, 2), member(MEMBER), member(MEMBER, target), 0)
    assert reason_of(caught) == "DM_FIXED"


@pytest.mark.parametrize(("seq", "mark"), [(3, 5), (5, 5), (7, 7), (99, 10)])
def test_a_read_mark_moves_forward_up_to_the_last_message(seq: int, mark: int) -> None:
    """Never back, never beyond."""
    before = member(MEMBER, last_read_seq=5)
    after = marked(before, seq, 10, AT)
    assert after.last_read_seq == mark
    assert (after is before) == (mark == 5)

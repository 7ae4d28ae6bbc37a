"""Rules of conversations, roles and read marks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mesh.errors import Error, Forbidden, Invalid, NotFound, Stale, WrongState
from services.message.command import Command, Origin
from services.message.conversations.domain import (
    Conversation,
    CreateConversation,
    Kind,
    Member,
    Role,
    UpdateConversation,
    changed,
    check_grants,
    check_invites,
    check_manages,
    check_mentions_everybody,
    check_new,
    check_pins,
    check_posts,
    check_removes,
    check_role,
    found,
    joining,
    marked,
    others,
    pair_of,
    visible,
    with_role,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)
OWNER, ADMIN, MEMBER, GUEST = Role.OWNER, Role.ADMIN, Role.MEMBER, Role.GUEST


def conversation(kind: Kind = Kind.GROUP, member_count: int = 3) -> Conversation:
    return Conversation("c", "w", kind, "name", "topic", None, "o", AT, AT, member_count, last_seq=10)


def member(role: Role, user_id: str = "", last_read_seq: int = 0) -> Member:
    return Member("c", "w", user_id or role.name, role, AT, last_read_seq)


def update(name: str | None, topic: str | None, etag: str = "") -> UpdateConversation:
    return UpdateConversation(Origin("a", "w"), "c", name, topic, etag)


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


@pytest.mark.parametrize(
    ("name", "topic", "member_ids", "fields"),
    [
        ("", "", [], ["member_ids"]),
        ("", "", ["b", "c"], ["member_ids"]),
        ("", "", ["a"], ["member_ids[0]"]),
        ("n", "t", ["b"], ["name", "topic"]),
    ],
)
def test_a_dm_is_two_people_without_a_name(name: str, topic: str, member_ids: list[str], fields: list[str]) -> None:
    """Everything that is wrong is named."""
    with pytest.raises(Invalid) as caught:
        check_new(Kind.DM, name, topic, "a", member_ids)
    assert reason_of(caught) == "INVALID_REQUEST"
    assert [v.field for v in caught.value.violations] == fields


def test_good_conversations_pass() -> None:
    """A dm with one other, a group with any number."""
    check_new(Kind.DM, "", "", "a", ["b"])
    check_new(Kind.GROUP, "n", "t", "a", [])


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
        asked = replace(conversation(), **{permission: least})
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


def test_only_what_is_new_changes_a_conversation() -> None:
    """None leaves a value, an equal one too."""
    before = conversation()
    assert changed(before, update(None, None), AT) is before
    assert changed(before, update("name", "topic"), AT) is before
    later = AT + timedelta(days=1)
    after = changed(before, update("new", None), later)
    assert (after.name, after.topic, after.updated_at) == ("new", "topic", later)
    assert changed(before, update(None, ""), later).topic == ""


def test_a_change_takes_the_present_etag_or_none() -> None:
    """Each change makes another; what is there already is no change, so that a repeat is answered like the first."""
    before = conversation()
    after = changed(before, update("new", None, before.etag()), AT)
    assert after.etag() != before.etag()
    assert changed(after, update("new", None, before.etag()), AT) is after
    for stale in (before.etag(), before.etag(7), "W/", after.id):
        with pytest.raises(Stale) as caught:
            changed(after, update("newer", None, stale), AT)
        assert reason_of(caught) == "ETAG_MISMATCH"


def test_messages_change_what_is_shown_but_disturb_no_change() -> None:
    """Whoever has it as it was is told of more; whoever changes it overwrites nothing by that."""
    before = conversation()
    after = replace(before, last_seq=11, last_pos=11)
    assert len({before.etag(), after.etag(), after.etag(10), after.etag(11)}) == 4
    for read in (before.etag(), after.etag(10)):
        assert changed(after, update("new", None, read), AT).name == "new"


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

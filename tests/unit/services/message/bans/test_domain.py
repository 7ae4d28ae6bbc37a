"""Rules of bans."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mesh.errors import Error
from services.message.bans.domain import BanUser, banned, check_bans, check_other
from services.message.command import Origin
from services.message.conversations.domain import Conversation, Kind, Member, Role

AT = datetime(2026, 5, 1, tzinfo=UTC)
OWNER, ADMIN, MEMBER, GUEST = Role.OWNER, Role.ADMIN, Role.MEMBER, Role.GUEST
GROUP = Conversation("c", "w", Kind.GROUP, "name", "topic", None, "o", AT, AT, 3)


def member(role: Role | None) -> Member | None:
    return Member("c", "w", role.name, role, AT) if role else None


@pytest.mark.parametrize(
    ("actor", "target", "reason"),
    [
        (OWNER, ADMIN, ""),
        (OWNER, None, ""),
        (ADMIN, MEMBER, ""),
        (ADMIN, None, ""),
        (OWNER, OWNER, "ROLE_TOO_LOW"),
        (ADMIN, ADMIN, "ROLE_TOO_LOW"),
        (ADMIN, OWNER, "ROLE_TOO_LOW"),
        (MEMBER, GUEST, "ROLE_TOO_LOW"),
        (MEMBER, None, "ROLE_TOO_LOW"),
    ],
)
def test_who_bans_whom(actor: Role, target: Role | None, reason: str) -> None:
    """Managers, and only who has less than they have."""
    by = member(actor)
    assert by is not None
    if reason:
        with pytest.raises(Error, match=reason):
            check_bans(GROUP, by, member(target))
    else:
        check_bans(GROUP, by, member(target))


def test_there_are_no_bans_between_two_people() -> None:
    """Those block each other."""
    with pytest.raises(Error, match="DM_FIXED"):
        check_bans(replace(GROUP, kind=Kind.DM), Member("c", "w", "a", OWNER, AT), None)


def test_nobody_bans_themselves() -> None:
    """Leaving is something else."""
    check_other("a", "b")
    with pytest.raises(Error, match="NOT_ONESELF"):
        check_other("a", "a")


def test_the_same_ban_is_no_change() -> None:
    """Another reason or end is."""
    command = BanUser(Origin("a", "w"), "c", "b", "spam", AT + timedelta(hours=1))
    ban = banned(None, command, AT)
    assert (ban.user_id, ban.banned_by, ban.until, ban.created_at) == ("b", "a", command.until, AT)
    assert banned(ban, command, AT + timedelta(hours=2)) is ban
    assert banned(ban, replace(command, until=None), AT).until is None
    assert banned(ban, replace(command, reason="worse"), AT).reason == "worse"
    with pytest.raises(Error, match="INVALID_REQUEST"):
        banned(None, command, AT + timedelta(hours=1))

"""Rules of invitations."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mesh.errors import Error
from services.message.command import Origin
from services.message.conversations.domain import Member, Role
from services.message.invites.domain import (
    WEEK_S,
    CreateInvite,
    Invite,
    State,
    accepted,
    declined,
    hash_of,
    made,
    new_code,
    people_of,
    revoked,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)
LATER = AT + timedelta(days=1)
PERSON = Invite("i", "w", "c", "bela", None, Role.MEMBER, "anna", AT, LATER, 1)
LINK = Invite("i", "w", "c", "", hash_of("code"), Role.MEMBER, "anna", AT, LATER, 2)


def test_codes_cannot_be_guessed() -> None:
    """192 bits, no two alike; what is kept of one does not tell it."""
    codes = {new_code() for _ in range(1000)}
    assert {len(code) for code in codes} == {32}
    assert len(codes) == 1000
    assert len(hash_of("code")) == 32
    assert hash_of("code") != hash_of("Code")


@pytest.mark.parametrize(("user_id", "max_uses"), [("bela", 1), ("", 5)])
def test_an_invitation_is_made_for_a_week(user_id: str, max_uses: int) -> None:
    """Unless something else is asked for; a person uses theirs once."""
    command = CreateInvite(Origin("anna", "w"), "c", "i", user_id, None, Role.GUEST, 0, 5)
    invite = made(command, AT)
    assert (invite.expires_at - AT, invite.max_uses, invite.role) == (timedelta(seconds=WEEK_S), max_uses, Role.GUEST)
    assert made(replace(command, expires_in_s=60), AT).expires_at == AT + timedelta(minutes=1)
    assert people_of(invite) == command.told_ids == {"anna", user_id} - {""}


def test_a_person_accepts_once_and_a_link_as_often_as_it_says() -> None:
    """Its state tells, or the count."""
    assert accepted(PERSON, "bela", AT) == replace(PERSON, uses=1, state=State.ACCEPTED)
    twice = accepted(accepted(LINK, "cleo", AT), "dora", AT)
    assert (twice.uses, twice.state) == (2, State.OPEN)
    unlimited = replace(LINK, max_uses=0, uses=9)
    assert accepted(unlimited, "cleo", AT).uses == 10


@pytest.mark.parametrize(
    ("invite", "user_id", "at"),
    [
        (None, "bela", AT),
        (PERSON, "cleo", AT),
        (PERSON, "bela", LATER),
        (replace(PERSON, state=State.ACCEPTED), "bela", AT),
        (replace(PERSON, state=State.DECLINED), "bela", AT),
        (replace(LINK, state=State.REVOKED), "cleo", AT),
        (replace(LINK, uses=2), "cleo", AT),
        (LINK, "cleo", LATER),
    ],
)
def test_what_has_ended_is_not_accepted(invite: Invite | None, user_id: str, at: datetime) -> None:
    """All are told the same."""
    with pytest.raises(Error) as caught:
        accepted(invite, user_id, at)
    assert caught.value.reason == "INVITE_INVALID"


def test_only_who_is_invited_declines() -> None:
    """Again is no change; a link cannot be declined, nor what was accepted."""
    gone = declined(PERSON, "bela", AT)
    assert gone.state is State.DECLINED
    assert declined(gone, "bela", LATER) is gone
    for invite in (None, LINK, replace(PERSON, state=State.ACCEPTED), replace(PERSON, user_id="cleo")):
        with pytest.raises(Error, match="INVITE_INVALID"):
            declined(invite, "bela", AT)


def test_who_made_it_or_an_admin_ends_it() -> None:
    """What has ended already stays as it is."""
    anna, bela = (Member("c", "w", name, Role.MEMBER, AT) for name in ("anna", "bela"))
    assert revoked(LINK, anna).state is revoked(LINK, replace(bela, role=Role.ADMIN)).state is State.REVOKED
    answered = replace(PERSON, state=State.ACCEPTED)
    assert revoked(answered, anna) is answered
    with pytest.raises(Error, match="ROLE_TOO_LOW"):
        revoked(LINK, bela)
    with pytest.raises(Error, match="INVITE_INVALID"):
        revoked(None, anna)

"""The rules of accounts and their names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mesh.errors import Conflict, Invalid, Stale
from services.user.accounts.domain import (
    Account,
    Role,
    check_etag,
    checked_email,
    edited,
    email_key,
    erased,
    is_email,
    name_key,
    new_account,
    with_status,
)

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def account(username: str = "Anna", full_name: str = "Anna Berg") -> Account:
    return new_account(
        "u-1", workspace_id="default", username=username, email="Anna@Example.com", full_name=full_name, now=NOW
    )


def test_a_new_account_is_an_active_user_who_never_logged_in() -> None:
    """No rights, no proof of the address, no log-in; made and changed now."""
    made = account()
    assert (made.role, made.is_active, made.is_verified, made.last_login) == (Role.USER, True, False, None)
    assert made.created_at == made.updated_at == NOW


def test_lowers_the_username_and_keeps_the_address_as_given() -> None:
    """Names are one in any case; an address is shown as its owner writes it."""
    made = account(username="AnNa.B")
    assert (made.username, made.email) == ("anna.b", "Anna@Example.com")


def test_shows_the_username_when_there_is_no_full_name() -> None:
    """A name of blanks is none."""
    assert account(full_name=" Anna ").full_name == "Anna"
    assert account(full_name="").full_name == "anna"
    assert account(full_name=" \t ").full_name == "anna"


def test_addresses_are_one_in_any_case() -> None:
    """What differs in case only belongs to one account."""
    assert email_key("Anna@Example.COM") == email_key("anna@example.com") != email_key("ana@example.com")


def test_tells_an_address_from_a_username() -> None:
    """Only addresses have an @."""
    assert is_email("anna@example.com")
    assert not is_email("anna.b")


def test_the_names_of_who_was_erased_are_kept() -> None:
    """Nobody can look like one."""
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        account(username="Deleted-Anna")
    assert account(username="deleted").username == "deleted"


@pytest.mark.parametrize("email", [".a@example.com", "a.@example.com", "a..b@example.com", "=?utf-8?q?x?=@example.com"])
def test_an_address_is_what_mails_go_to(email: str) -> None:
    """What mail programs would read as another one, or as none, is refused."""
    with pytest.raises(Invalid, match="INVALID_REQUEST"):
        checked_email(email)


@pytest.mark.parametrize("email", ["a@b", "anna.berg+chat@example.com", "o'neil@example.com", "a=b?c@example.com", ""])
def test_other_addresses_are_fine(email: str) -> None:
    """Bots have none."""
    assert checked_email(email) == email


def test_edits_change_what_they_name() -> None:
    """And nothing else."""
    changed = edited(account(), {"bio": "hello", "avatar": "https://example.com/a.png"})
    assert changed == replace(account(), bio="hello", avatar="https://example.com/a.png")
    assert edited(account(), {}) == account()


def test_a_username_is_lowered_and_never_taken_away() -> None:
    """The same name in other letters is no change."""
    assert edited(account(), {"username": "ANNA"}) == account()
    assert edited(account(), {"username": "Bea"}).username == "bea"
    with pytest.raises(Invalid, match="username"):
        edited(account(), {"username": ""})


def test_who_chose_no_name_is_shown_by_the_username() -> None:
    """By the new one too; a chosen name stays."""
    unnamed = account(full_name="")
    assert edited(unnamed, {"username": "bea"}).full_name == "bea"
    assert edited(account(), {"username": "bea"}).full_name == "Anna Berg"
    assert edited(account(), {"full_name": "  "}).full_name == "anna"
    assert edited(account(), {"full_name": "", "username": "bea"}).full_name == "bea"


def test_a_status_ends_in_the_future_or_not_at_all() -> None:
    """Without text and emoji there is none, whenever it would end."""
    later = NOW + timedelta(microseconds=1)
    assert with_status(account(), "away", "", later, NOW).status_expires_at == later
    assert with_status(account(), "away", "🍜", None, NOW).status_emoji == "🍜"
    assert with_status(account(), "", "", later, NOW) == account()
    with pytest.raises(Invalid, match="expires_at"):
        with_status(account(), "away", "", NOW, NOW)


def test_an_etag_names_one_version() -> None:
    """None names any."""
    made = account()
    check_etag(made, "")
    check_etag(made, made.etag)
    with pytest.raises(Stale, match="ETAG_MISMATCH"):
        check_etag(replace(made, version=2), made.etag)


def test_nothing_is_left_of_who_was_erased() -> None:
    """Every field that a person fills is empty, or says nobody; the name fits, and is like no other's."""
    anna = replace(
        account(),
        id="018f0000-0000-7000-8000-0123456789ab",
        bio="b",
        avatar="a",
        status_text="s",
        status_emoji="e",
        status_expires_at=NOW,
        last_login=NOW,
        is_verified=True,
    )
    last = erased(anna, NOW)
    assert last == Account(
        id=anna.id,
        workspace_id="default",
        username="deleted-0000700080000123456789ab",
        email="",
        full_name="Deleted user",
        created_at=NOW,
        updated_at=NOW,
        is_active=False,
        erased_at=NOW,
    )
    assert len(last.username) <= 32


def test_words_are_found_in_one_case_after_a_blank() -> None:
    """In any alphabet, however many blanks there are."""
    assert name_key(" Anna  Straße\tÖlund ") == " anna strasse ölund"
    assert len(name_key("ΐ" * 100)) <= 301

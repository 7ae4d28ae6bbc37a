"""The rules of accounts and their names."""

from datetime import UTC, datetime

from services.user.accounts.domain import Account, Role, email_key, is_email, new_account

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

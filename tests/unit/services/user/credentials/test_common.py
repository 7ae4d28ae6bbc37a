"""Passwords that are tried first."""

import secrets

import pytest

from mesh.errors import Invalid
from services.user.credentials.common import _LIST, is_common, refuse_common

NAMES = ("annabel", "anna.berg@example.com")


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "Password",
        "PASSWORD1!",
        "p@ssw0rd",
        "P@$$w0rd123",
        "123password",
        "iloveyou<3",
        "Summer2027!",
        "Welcome#1",
        "qwertyuiop",
        "QWERTY12",
        "poiuytrewq",
        "qwer1234",
        "asdf1234",
        "1q2w3e4r",
        "12345678",
        "0123456789",
        "98765432101234",
        "11223344",
        "aaaaaaaa",
        "abababab",
        "abcdefgh",
        "abcd1234",
        "zyxwvuts",
        "annabel1",
        "Annabel2027",
        "xAnnabelx",
        "anna.berg99",
        "anna.berg@example.com",
    ],
)
def test_what_is_tried_first_is_common(password: str) -> None:
    """Well-known words with what people put around them, runs along keys, one's own name."""
    assert is_common(password, *NAMES)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "purple monday lamp",
        "her own password",
        "password of the third kind",
        "kilo-vase-buna-rido",
        "annabel likes purple lamps",
        "Tr0ub4dor&3",
        "žluťoučký kůň",
        "パスワードは秘密です",
        "9f8K2lQ0",
    ],
)
def test_what_is_not_is_not(password: str) -> None:
    """Length and chance are enough: nothing is asked about signs and capitals."""
    assert not is_common(password, *NAMES)


def test_chance_is_not_mistaken() -> None:
    """A thousand of eight random characters."""
    assert not [password for password in (secrets.token_urlsafe(12) for _ in range(1000)) if is_common(password)]


def test_a_short_name_stands_in_any_text() -> None:
    """It counts from three letters on."""
    assert is_common("xyq-anna-9", "anna")
    assert not is_common("xyq-an-93k", "an")


def test_the_refusal_names_the_field() -> None:
    """And passes what is good."""
    refuse_common("purple monday lamp", "new_password", *NAMES)
    with pytest.raises(Invalid, match="PASSWORD_TOO_COMMON") as refusal:
        refuse_common("password", "new_password", *NAMES)
    assert [violation.field for violation in refusal.value.violations] == ["new_password"]


def test_the_list_is_sorted_and_in_lower_case() -> None:
    """Each entry once."""
    entries = _LIST.read_text(encoding="utf-8").split("\n")[:-1]
    assert entries == sorted({entry.casefold() for entry in entries})
    assert len(entries) > 500


def test_the_longest_password_takes_no_time() -> None:
    """Every look at it is bounded by its length."""
    assert not is_common(secrets.token_urlsafe(768), "a" * 32, f"{'b' * 64}@example.com")

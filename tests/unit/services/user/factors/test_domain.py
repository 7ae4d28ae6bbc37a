"""Codes of the second factor."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from hypothesis import given
from hypothesis import strategies as st

from services.user.factors.domain import base32, matching_step, new_recovery_codes, recovery_hash, uri

SECRET = b"12345678901234567890"


def at(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_codes_of_the_standard_are_good(seconds: int, code: str) -> None:
    """The vectors of RFC 6238, appendix B, their last six digits."""
    assert matching_step(SECRET, code, at(seconds), 0) == seconds // 30


def test_a_clock_may_be_off_by_a_step_but_not_by_two() -> None:
    """One step to either side."""
    found = [matching_step(SECRET, "050471", at(1111111111 + 30 * off), 0) is not None for off in range(-3, 4)]
    assert found == [False, False, True, True, True, False, False]


def test_no_code_is_good_twice() -> None:
    """Neither that of the step used last, nor an earlier one."""
    step = 1111111111 // 30
    assert matching_step(SECRET, "050471", at(1111111111), step) is None
    assert matching_step(SECRET, "050471", at(1111111111), step + 1) is None
    assert matching_step(SECRET, "050471", at(1111111111), step - 1) == step


@given(st.text(max_size=32) | st.from_regex(r"[0-9]{6}", fullmatch=True))
def test_other_text_is_no_code(text: str) -> None:
    """Whatever it is: only the codes of the three steps around are good."""
    present = 1111111111 // 30
    good = {HOTP(SECRET, 6, SHA1()).generate(step).decode() for step in range(present - 1, present + 2)}
    found = matching_step(SECRET, text, at(1111111111), 0) is not None
    assert found == ("".join(text.split()) in good)


def test_people_type_blanks() -> None:
    """As authenticators show them."""
    assert matching_step(SECRET, " 050 471 ", at(1111111111), 0)


def test_what_authenticators_read() -> None:
    """The address names issuer and user; the secret is base32 without padding."""
    assert base32(b"12345678901") == "GEZDGNBVGY3TQOJQGE"
    assert uri(SECRET, "anna", "Massive Scale Chat") == (
        "otpauth://totp/Massive%20Scale%20Chat:anna?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Massive%20Scale%20Chat"
    )


def test_recovery_codes_differ_and_bear_how_people_type() -> None:
    """Ten of them; capitals and dashes do not matter; another user's code is another one."""
    codes = new_recovery_codes(secrets.choice)
    assert len(set(codes)) == 10
    assert recovery_hash("u-1", codes[0].upper().replace("-", " ")) == recovery_hash("u-1", codes[0])
    assert recovery_hash("u-2", codes[0]) != recovery_hash("u-1", codes[0])

"""What a link is bound to."""

import secrets
from datetime import UTC, datetime, timedelta

from services.user.accounts.domain import Credentials, new_account
from services.user.credentials.domain import (
    LIFETIMES,
    Purpose,
    bound_to_address,
    bound_to_password,
    new_token,
    token_hash,
)
from services.user.credentials.letters import Letters, nobody
from services.user.mail.compose import Composer

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
ANNA = new_account("u-1", workspace_id="acme", username="anna", email="Anna@example.com", full_name="", now=NOW)
LETTERS = Letters(
    Composer("https://chat.example.com", "chat@example.com"), random=secrets.token_bytes, ids=lambda: "m-1"
)


def test_a_token_has_256_bits_that_are_not_kept() -> None:
    """Only their hash is, and it does not show where it is printed."""
    token = new_token(lambda size: bytes(range(size)))
    assert token == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    link = LETTERS.verify(ANNA, NOW).link
    assert len(link.hash) == 32
    assert repr(link.hash) not in repr(link)
    assert token_hash(token) != token_hash(token.lower())


def test_each_letter_is_bound_to_what_must_still_hold() -> None:
    """The address that it proves or replaces, the password that it replaces."""
    known = Credentials(ANNA, "hash")
    letters = {
        Purpose.VERIFY: (LETTERS.verify(ANNA, NOW), "Anna@example.com", bound_to_address("anna@example.com")),
        Purpose.EMAIL: (
            LETTERS.change_email(ANNA, "new@x.test", NOW),
            "new@x.test",
            bound_to_address(ANNA.email),
        ),
        Purpose.RESET: (LETTERS.reset(known, NOW), "Anna@example.com", bound_to_password("hash")),
        Purpose.UNLOCK: (LETTERS.unlock(ANNA, NOW), "Anna@example.com", b""),
    }
    for purpose, (letter, email, bound_to) in letters.items():
        link, mail = letter.link, letter.mail
        assert (link.purpose, link.email, link.bound_to) == (purpose, email, bound_to)
        assert (link.workspace_id, link.user_id) == (mail.workspace_id, mail.user_id) == ("acme", "u-1")
        assert f"To: {email}".encode() in mail.content


def test_links_end() -> None:
    """A verification after a day, an unlock after an hour, a reset after half of it."""
    assert LETTERS.verify(ANNA, NOW).link.expires_at == NOW + timedelta(days=1)
    assert LETTERS.unlock(ANNA, NOW).link.expires_at == NOW + timedelta(hours=1)
    assert LETTERS.reset(Credentials(ANNA, "hash"), NOW).link.expires_at == NOW + timedelta(minutes=30)
    assert set(LIFETIMES) == set(Purpose)


def test_a_letter_to_nobody_is_as_much_work() -> None:
    """It is written in full, and is nobody's."""
    letter = LETTERS.unlock(nobody("acme", NOW), NOW)
    assert letter.link.user_id == letter.mail.user_id == ""
    assert abs(len(letter.mail.content) - len(LETTERS.unlock(ANNA, NOW).mail.content)) < 200

"""Whose account a log-in by a provider ends at, and what it is called."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

import pytest

from mesh.errors import Invalid, Unauthenticated
from services.user.accounts.domain import Account, Kind
from services.user.oauth.domain import (
    Who,
    account_of,
    address_of,
    checked_return,
    handover_hash,
    may_link,
    new_attempt,
    state_hash,
    usernames,
)

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ANNA = Who("https://id.example.com", "s-1", "anna@example.com", is_verified=True, name="Anna A", username="anna")


def random(size: int) -> bytes:
    return next(NUMBERS).to_bytes(size)


NUMBERS = count(1)


def account(**fields: Any) -> Account:
    made = Account("id", "default", "anna", "anna@example.com", "Anna", NOW, NOW, is_verified=True)
    return replace(made, **fields)


def test_an_attempt_is_made_of_secrets_of_its_own() -> None:
    """Each of 256 bits; the challenge shows the verifier to nobody."""
    first, second = (new_attempt("default", "corp", "/demo", random) for _ in range(2))
    secrets = [
        secret for one in (first, second) for secret in (one.state, one.binding, one.nonce, one.verifier, one.challenge)
    ]
    assert len({*secrets}) == 10
    assert {len(secret) for secret in secrets} == {43}
    assert first.state not in repr(first)


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    attempt = replace(
        new_attempt("default", "corp", "", random), verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    assert attempt.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize("path", ["/", "/demo", "/account?tab=2&x=%20", "/a/b//c", "/~me"])
def test_pages_of_ours(path: str) -> None:
    """A path, with a query or without."""
    assert checked_return(path) == path


def test_without_a_page_the_account_is_shown() -> None:
    """Where people find what they are."""
    assert checked_return("") == "/account"


@pytest.mark.parametrize(
    "path", ["demo", "//evil.test", "/\\evil.test", "https://evil.test", "/a#b", "/a b", "/a\n", "/\t/evil.test", "/ä"]
)
def test_pages_of_others(path: str) -> None:
    """What a browser takes for one, and what has a fragment, which is ours to set."""
    with pytest.raises(Invalid):
        checked_return(path)


def test_hashes_of_one_kind_find_nothing_of_another() -> None:
    """A handover is no state."""
    assert len({state_hash("a", "b"), state_hash("a", "c"), state_hash("b", "a"), handover_hash("a")}) == 4


def test_an_account_is_linked_with_proof_on_both_sides() -> None:
    """And to a person only."""
    assert may_link(ANNA, account())
    assert not may_link(replace(ANNA, is_verified=False), account())
    assert not may_link(ANNA, account(is_verified=False))
    assert not may_link(ANNA, account(kind=Kind.BOT))


def test_who_is_suspended_does_not_come_back_by_a_provider() -> None:
    """Neither to the account, nor to a new one beside it."""
    with pytest.raises(Unauthenticated, match="PROVIDER_REFUSED"):
        may_link(ANNA, account(is_active=False))
    assert not may_link(ANNA, account(is_active=False, is_verified=False))


@pytest.mark.parametrize(
    "email", ["", "anna", "anna@", "@example.com", "anna@example", "a b@example.com", "a@b@c.de", ".a@b.de", "ä@b.de"]
)
def test_an_address_that_is_none_is_not_taken_over(email: str) -> None:
    """The account goes without."""
    assert address_of(replace(ANNA, email=email)) == ""


def test_an_address_without_proof_is_not_taken_over() -> None:
    """Its owner may come yet."""
    assert address_of(ANNA) == "anna@example.com"
    assert address_of(replace(ANNA, is_verified=False)) == ""
    assert address_of(replace(ANNA, email=f"{'a' * 250}@b.de")) == ""


@pytest.mark.parametrize(
    ("who", "name"),
    [
        ({"username": "Anna.A"}, "anna.a"),
        ({"username": "anna@corp.example"}, "anna"),
        ({"username": "AB"}, "anna"),
        ({"username": "", "email": "x@y.z"}, "anna-a"),
        ({"username": "", "email": "", "name": "Ännä 你好"}, "anna"),
        ({"username": "Ünal Öz"}, "unal-oz"),
        ({"username": "", "email": "", "name": "你好"}, "user"),
        ({"username": "deleted-1", "email": "deleted-2@x.de", "name": ""}, "user"),
        ({"username": "x" * 80}, "x" * 32),
        ({"username": "-._anna"}, "anna"),
    ],
)
def test_a_username_comes_from_what_the_provider_says(who: dict[str, Any], name: str) -> None:
    """As far as it makes one of ours; there are always more to try."""
    names = list(islice(usernames(replace(ANNA, **who), random), 4))
    assert names[0] == name
    assert len({*names}) == 4
    for username in names:
        made = account_of(ANNA, "id", workspace_id="default", username=username, email="", now=NOW)
        assert 3 <= len(made.username) <= 32


def test_a_new_account_is_verified_by_what_it_takes_over() -> None:
    """Without an address there is nothing to verify. Names are cleaned and cut."""
    made = account_of(
        replace(ANNA, name="  Anna\n " + "a" * 200),
        "id",
        workspace_id="default",
        username="anna",
        email="anna@example.com",
        now=NOW,
    )
    assert (made.is_verified, made.email, made.full_name[:7], len(made.full_name)) == (
        True,
        "anna@example.com",
        "Anna aa",
        100,
    )
    without = account_of(replace(ANNA, name=""), "id", workspace_id="default", username="anna", email="", now=NOW)
    assert (without.is_verified, without.email, without.full_name) == (False, "", "anna")

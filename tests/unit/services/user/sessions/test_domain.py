"""The rotation of refresh tokens: retries, races, thieves."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.user.sessions.domain import (
    REFRESH_LIFETIME,
    Ended,
    RefreshToken,
    Renewed,
    Reused,
    Session,
    new_session,
    present,
)

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)


def begin() -> tuple[Session, RefreshToken]:
    return new_session(
        "s-1",
        workspace_id="default",
        user_id="u-1",
        device="Anna's phone",
        address="192.0.2.1",
        random=secrets.token_bytes,
        now=NOW,
    )


def renew(session: Session, token: RefreshToken, now: datetime = LATER) -> Renewed:
    outcome = present(session, token, now)
    assert isinstance(outcome, Renewed)
    return outcome


def test_a_token_is_two_secrets_of_256_bits_and_survives_as_text() -> None:
    """87 characters, different each time, and parsed back to the same."""
    (_, one), (_, two) = begin(), begin()
    assert len(str(one)) == 87
    assert one != two
    assert RefreshToken.parse(str(one)) == one


@pytest.mark.parametrize("text", ["", ".", "..", "abc", "a.b.c", "é.ü", "\x00"])
def test_any_text_parses(text: str) -> None:
    """What was never issued is told by its family being unknown."""
    assert RefreshToken.parse(text).family_hash != begin()[0].family_hash


def test_secrets_are_not_shown() -> None:
    """Neither a token nor the key of a session appears in a log by way of repr."""
    session, token = begin()
    assert token.family not in repr(token)
    assert token.secret not in repr(token)
    assert repr(session.rotation_key) not in repr(session)


def test_a_session_keeps_hashes_only() -> None:
    """No field holds a token, or part of one."""
    session, token = begin()
    kept = repr([getattr(session, name) for name in Session.__slots__])
    assert token.family not in kept
    assert token.secret not in kept


def test_a_refresh_answers_the_next_token_and_begins_thirty_days_anew() -> None:
    """Same family, other secret; the end moves."""
    session, first = begin()
    assert session.expires_at == NOW + timedelta(days=30)
    renewed = renew(session, first)
    assert renewed.successor.family == first.family
    assert renewed.successor.secret != first.secret
    assert renewed.session.refreshed_at == LATER
    assert renewed.session.expires_at == LATER + REFRESH_LIFETIME


def test_a_lost_reply_locks_nobody_out() -> None:
    """The token whose answer was lost gets the same answer again, at the first refresh and at any later one."""
    session, token = begin()
    for _ in range(3):
        lost = renew(session, token)
        retried = renew(lost.session, token)
        assert retried.successor == lost.successor
        session, token = retried.session, retried.successor


def test_parallel_refreshes_keep_the_session() -> None:
    """Two tabs with one token both go on with its one successor, and neither ends the other."""
    session, first = begin()
    tab_a = renew(session, first)
    tab_b = renew(tab_a.session, first)
    assert tab_a.successor == tab_b.successor
    tab_a = renew(tab_b.session, tab_a.successor)
    tab_b = renew(tab_a.session, tab_b.successor)
    assert tab_a.successor == tab_b.successor


def test_a_token_whose_successor_was_used_ends_the_session() -> None:
    """Thief or victim, whoever is late reveals that there are two."""
    session, first = begin()
    second = renew(session, first).successor
    renewed = renew(session, second)
    outcome = present(renewed.session, first, LATER)
    assert isinstance(outcome, Reused)
    assert outcome.session.ended_at == LATER
    assert present(outcome.session, renewed.successor, LATER) == Ended()


def test_a_changed_secret_in_a_known_family_ends_the_session() -> None:
    """Only a holder of a token knows its family."""
    session, first = begin()
    assert isinstance(present(session, RefreshToken(first.family, "made-up"), LATER), Reused)


def test_an_ended_session_stays_ended() -> None:
    """After 30 days without a refresh every token is void, a retired one too."""
    session, first = begin()
    last_moment = session.expires_at - timedelta(microseconds=1)
    assert isinstance(present(session, first, last_moment), Renewed)
    assert present(session, first, session.expires_at) == Ended()
    assert present(session, RefreshToken(first.family, "made-up"), session.expires_at) == Ended()


def test_a_successor_needs_the_key_of_its_session() -> None:
    """Who has a token cannot go on alone, and equal tokens under two keys part."""
    _, token = begin()
    assert token.successor(b"a" * 32) != token.successor(b"b" * 32)


@given(st.lists(st.integers(min_value=0, max_value=3), max_size=12))
def test_exactly_the_current_token_and_its_successor_are_good(ages: list[int]) -> None:
    """Whatever was presented before: of all tokens ever issued, the newest used one and its successor renew."""
    session, first = begin()
    issued, current = [first], 0
    for age in ages:
        index = max(0, len(issued) - 1 - age)
        outcome = present(session, issued[index], LATER)
        if index < current:
            assert isinstance(outcome, Reused)
            return
        assert isinstance(outcome, Renewed)
        session, current = outcome.session, index
        if index + 1 == len(issued):
            issued.append(outcome.successor)
        assert outcome.successor == issued[index + 1]

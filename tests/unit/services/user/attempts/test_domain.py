"""How long failures keep a name waiting."""

from datetime import UTC, datetime, timedelta

import pytest

from mesh.errors import Exhausted
from services.user.attempts.domain import (
    FORGOTTEN_AFTER,
    LONGEST_LOCK,
    Failures,
    Subject,
    key_of,
    pause_after,
    refuse_while_blocked,
)

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def test_pauses_and_locks() -> None:
    """None for two failures, then seconds that double, then quarters of an hour that double up to a day."""
    seconds = [pause_after(count).total_seconds() for count in range(1, 19)]
    assert seconds[:9] == [0, 0, 1, 2, 4, 8, 16, 32, 64]
    assert [second / 900 for second in seconds[9:]] == [1, 2, 4, 8, 16, 32, 64, 96, 96]
    assert pause_after(10**9) == LONGEST_LOCK < FORGOTTEN_AFTER


def test_a_guesser_gets_few_tries() -> None:
    """A dozen on the first day, and one on each day after."""
    tries, spent = 0, timedelta()
    while spent < timedelta(days=1):
        tries += 1
        spent += pause_after(tries)
    assert tries < 18


@pytest.mark.parametrize(("count", "reason"), [(3, "RATE_LIMITED"), (9, "RATE_LIMITED"), (10, "LOGIN_LOCKED")])
def test_who_is_blocked_is_told_for_how_long(count: int, reason: str) -> None:
    """By a pause or by a lock."""
    with pytest.raises(Exhausted, match=reason) as refusal:
        refuse_while_blocked(Failures(count, NOW + timedelta(seconds=1.5)), NOW)
    assert refusal.value.retry_after_s == 1.5


def test_who_is_not_blocked_passes() -> None:
    """Nobody who has failed too little or waited long enough."""
    refuse_while_blocked(None, NOW)
    refuse_while_blocked(Failures(2, NOW), NOW)
    refuse_while_blocked(Failures(20, NOW), NOW)


def test_what_is_counted_is_told_apart() -> None:
    """By what is done, workspace and name; not by the case of its letters."""
    keys = {
        key_of(subject, workspace, name)
        for subject in Subject
        for workspace in ("default", "acme")
        for name in ("anna", "anna@example.com")
    }
    assert len(keys) == 4 * len(Subject)
    assert key_of(Subject.LOGIN, "default", "ANNA") == key_of(Subject.LOGIN, "default", "anna")

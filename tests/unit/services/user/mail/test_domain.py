"""When a mail is tried again."""

from datetime import UTC, datetime, timedelta

from services.user.mail.domain import MAX_ATTEMPTS, Mail, next_try

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def pauses(share: float) -> list[timedelta]:
    """All pauses, when each is this share of its longest."""
    moments = [next_try(attempts, NOW, lambda low, high: max(low, min(high, share))) for attempts in range(1, 50)]
    return [moment - NOW for moment in moments if moment is not None]


def test_pauses_double_up_to_six_hours() -> None:
    """From a minute on."""
    minutes = [pause.total_seconds() / 60 for pause in pauses(1.0)]
    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]


def test_twelve_attempts_take_most_of_a_day() -> None:
    """At the longest and at the shortest; then it is enough."""
    assert len(pauses(1.0)) == MAX_ATTEMPTS - 1 == 11
    assert timedelta(hours=20) < sum(pauses(1.0), timedelta()) < timedelta(hours=24)
    assert timedelta(hours=10) < sum(pauses(0.0), timedelta()) < timedelta(hours=12)


def test_pauses_are_shortened_by_chance() -> None:
    """By up to a half: what failed together does not come back together."""
    assert pauses(0.0) == [pause / 2 for pause in pauses(1.0)]


def test_a_mail_does_not_show_its_content() -> None:
    """Not where it is printed by accident: it holds a link."""
    assert "secret" not in repr(Mail("m-1", "default", "u-1", b"secret link", NOW))

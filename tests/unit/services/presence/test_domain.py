"""What others see of a user, and what they see themselves."""

import pytest

from mesh.errors import Invalid
from services.presence.domain import (
    Custom,
    Device,
    Presence,
    Record,
    State,
    Status,
    said,
    seen_by_oneself,
    seen_by_others,
    unknown,
)

NOW = 1_000_000
LIVE = Device(NOW + 1, NOW - 100)
AWAY = Device(NOW + 1, NOW - 100, is_away=True)
LAPSED = Device(NOW, NOW - 45_000)
CLOSED = Device(NOW + 1, NOW - 1, is_closed=True)


def others(record: Record, now: int = NOW) -> Presence:
    return seen_by_others("anna", record, now)


@pytest.mark.parametrize(
    ("devices", "status", "state"),
    [
        ([], Status.AVAILABLE, State.OFFLINE),
        ([LAPSED], Status.AVAILABLE, State.OFFLINE),
        ([LIVE], Status.AVAILABLE, State.ONLINE),
        ([CLOSED], Status.AVAILABLE, State.ONLINE),
        ([AWAY], Status.AVAILABLE, State.AWAY),
        ([AWAY, LIVE], Status.AVAILABLE, State.ONLINE),
        ([AWAY, LAPSED], Status.AVAILABLE, State.AWAY),
        ([LIVE], Status.AWAY, State.AWAY),
        ([LIVE], Status.BUSY, State.BUSY),
        ([AWAY], Status.BUSY, State.BUSY),
        ([], Status.BUSY, State.OFFLINE),
        ([], Status.AWAY, State.OFFLINE),
    ],
)
def test_the_state_is_the_union_of_the_devices_under_what_is_said(
    devices: list[Device], status: Status, state: State
) -> None:
    """Others and oneself see the same of it."""
    record = Record(devices, Custom(status))
    assert others(record).state == state
    assert seen_by_oneself("anna", record, NOW).state == state


def test_whoever_says_nothing_is_available() -> None:
    assert others(Record([LIVE])) == Presence("anna", State.ONLINE)


def test_nobody_is_offline_and_was_never_seen() -> None:
    assert others(Record()) == Presence("anna", State.OFFLINE)


def test_nothing_is_told_of_who_cannot_be_looked_at() -> None:
    assert unknown("anna") == Presence("anna", State.UNKNOWN)


def test_when_somebody_was_last_there_is_told_once_they_are_offline() -> None:
    """It is the last that was heard of any device, whether that was swept already or not."""
    assert others(Record([LIVE], seen_ms=5)).seen_ms == 0
    assert others(Record([LAPSED], seen_ms=5)).seen_ms == NOW - 45_000
    assert others(Record(seen_ms=5)).seen_ms == 5


def test_what_is_said_is_shown_until_it_ends() -> None:
    """And whether somebody is online or not."""
    custom = Custom(Status.BUSY, "in a meeting", "📅", expires_ms=NOW + 1)
    seen = Presence("anna", State.BUSY, 0, "in a meeting", "📅", NOW + 1)
    assert others(Record([LIVE], custom)) == seen
    assert others(Record([LIVE], custom), NOW + 1) == Presence("anna", State.OFFLINE, LIVE.seen_ms)
    assert others(Record([], custom)).message == "in a meeting"
    assert others(Record([Device(NOW + 9, NOW)], custom), NOW + 1) == Presence("anna", State.ONLINE)


def test_the_invisible_look_as_if_they_had_left_when_they_said_so() -> None:
    """Whatever they do since, and without what they say."""
    custom = Custom(Status.INVISIBLE, "hiding", "🙈", hidden_ms=NOW - 60_000)
    hidden = Presence("anna", State.OFFLINE, NOW - 60_000)
    assert others(Record([LIVE], custom)) == hidden
    assert others(Record([LAPSED], custom)) == hidden
    assert others(Record([], custom, NOW - 5)) == hidden
    assert others(Record([], custom, NOW - 90_000)).seen_ms == NOW - 90_000


def test_oneself_is_not_hidden_from_oneself() -> None:
    """And is told of devices, apart from those that were closed."""
    custom = Custom(Status.INVISIBLE, "hiding", hidden_ms=NOW - 60_000)
    record = Record([LIVE, AWAY, LAPSED, CLOSED], custom)
    seen = seen_by_oneself("anna", record, NOW)
    assert seen == Presence("anna", State.ONLINE, 0, "hiding", devices=2, status=Status.INVISIBLE)
    assert seen_by_oneself("anna", Record([LAPSED]), NOW).seen_ms == LAPSED.seen_ms


def test_whoever_becomes_invisible_is_so_since_then() -> None:
    """To say it again, with other words, does not tell that they are there."""
    first = said(Record(), Custom(Status.INVISIBLE), NOW)
    assert first.hidden_ms == NOW
    again = said(Record(custom=first), Custom(Status.INVISIBLE, "still"), NOW + 50)
    assert again == Custom(Status.INVISIBLE, "still", hidden_ms=NOW)
    visible = said(Record(custom=again), Custom(Status.AWAY), NOW + 60)
    assert visible == Custom(Status.AWAY)
    assert said(Record(custom=visible), Custom(Status.INVISIBLE), NOW + 70).hidden_ms == NOW + 70


def test_what_has_ended_cannot_be_said() -> None:
    with pytest.raises(Invalid) as refused:
        said(Record(), Custom(Status.BUSY, expires_ms=NOW), NOW)
    assert [violation.field for violation in refused.value.violations] == ["expires_at"]
    assert said(Record(), Custom(Status.BUSY, expires_ms=NOW + 1), NOW).expires_ms == NOW + 1


def test_what_says_nothing_is_empty() -> None:
    assert Custom(Status.AVAILABLE).is_empty
    assert not Custom(Status.AVAILABLE, "x").is_empty
    assert not Custom(Status.AVAILABLE, emoji="x").is_empty
    assert not Custom(Status.AWAY).is_empty

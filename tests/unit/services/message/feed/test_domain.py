"""Where readers start, and what they get next."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import Invalid
from services.message.command import Origin
from services.message.feed.domain import Change, Missed, Place, long, moved, next_page, skipped, slow_consumer, start

AT = datetime(2026, 5, 1, tzinfo=UTC)
HEADS = Place(5, {"a": 10, "b": 20, "c": 30})


def change(conversation_id: str = "a", *, pos: int = 0, user_id: str = "", user_pos: int = 0) -> Change:
    return Change("t", conversation_id, Origin("x"), AT, pos=pos, user_id=user_id, user_pos=user_pos)


def test_durable_changes_have_names() -> None:
    """By the log they stand in; what stands in none has no name."""
    assert change(pos=7).event_id == "a:7"
    assert change(user_id="u", user_pos=3).event_id == "u:3"
    assert change().event_id == ""


def test_what_is_named_starts_there_the_rest_now() -> None:
    """A conversation that was joined since starts at its beginning; a foreign one is left out."""
    assert start(Place(2, {"a": 4, "other": 99}), HEADS, {"b"}) == Place(2, {"a": 4, "b": 0, "c": 30})


def test_a_named_conversation_starts_there_even_when_joined_since() -> None:
    """Whoever names it has read so far."""
    assert start(Place(2, {"a": 4}), HEADS, {"a"}).positions["a"] == 4


def test_a_new_clients_own_log_starts_now() -> None:
    """0 means that there is no earlier place."""
    assert start(Place(0, {}), HEADS, set()) == HEADS


@pytest.mark.parametrize(("asked", "field"), [(Place(0, {"b": 21}), 'positions["b"]'), (Place(6, {}), "user_pos")])
def test_nothing_starts_after_the_end(asked: Place, field: str) -> None:
    """Which log was meant is named."""
    with pytest.raises(Invalid) as caught:
        start(asked, HEADS, set())
    assert caught.value.reason == "POSITION_AHEAD"
    assert [v.field for v in caught.value.violations] == [field]


def test_a_page_names_places_before_the_own_log() -> None:
    """The own log comes last, with what is left of the limit."""
    place = Place(1, {"a": 8, "b": 20, "c": 29})
    page = next_page(place, HEADS, 5)
    assert page.wanted == [("a", 9), ("a", 10), ("c", 30)]
    assert (page.user_after, page.user_upto) == (1, 3)


def test_changes_move_the_place() -> None:
    """Each in its own log."""
    after = moved(Place(1, {"a": 3, "b": 4}), [change(pos=4), change(pos=5), change("b", user_id="u", user_pos=2)])
    assert after == Place(2, {"a": 5, "b": 4})


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(0, 20), st.integers(0, 20))),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.integers(1, 7),
)
def test_pages_lead_from_any_place_to_the_heads(
    logs: dict[str, tuple[int, int]], own: tuple[int, int], limit: int
) -> None:
    """Every change between comes exactly once, in order, and no page is longer than asked."""
    place = Place(min(own), {c: min(span) for c, span in logs.items()})
    heads = Place(max(own), {c: max(span) for c, span in logs.items()})
    expected = {(c, pos) for c, span in logs.items() for pos in range(min(span) + 1, max(span) + 1)}
    seen: list[tuple[str, int]] = []
    while place != heads:
        page = next_page(place, heads, limit)
        own_changes = [change(user_id="u", user_pos=p) for p in range(page.user_after + 1, page.user_upto + 1)]
        assert 0 < len(page.wanted) + len(own_changes) <= limit
        seen += page.wanted
        place = moved(place, [change(c, pos=pos) for c, pos in page.wanted] + own_changes)
    assert len(seen) == len(expected)
    assert set(seen) == expected
    assert all([pos for c, pos in seen if c == name] == sorted(pos for c, pos in seen if c == name) for name in logs)


def test_slow_readers_are_told() -> None:
    """By the reason that clients resume at."""
    assert slow_consumer().reason == "SLOW_CONSUMER"


def test_what_is_longer_than_asked_is_skipped() -> None:
    """The place moves on to the head there, and nowhere else; 0 is no bound."""
    place = Place(1, {"a": 8, "b": 20, "c": 10})
    assert long(place, HEADS, 0) == []
    assert long(place, HEADS, 2) == ["c"]
    assert long(place, HEADS, 20) == []
    assert skipped(place, HEADS, {"c": 17}) == (Place(1, {"a": 8, "b": 20, "c": 30}), [Missed("c", 10, 30, 17)])
    assert skipped(place, HEADS, {}) == (place, [])

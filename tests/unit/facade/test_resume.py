"""The place that a client resumes from."""

from typing import Any

import pytest

from facade.resume import MAX_REPLAYED, Place, recall
from facade.ring import Ring
from mesh.errors import Invalid

ID = "0192f0c1-2b3a-7c4d-8e5f-0123456789ab"


def test_a_place_is_read() -> None:
    """Both parts may be left out."""
    assert Place.read({"user_pos": 3, "positions": {ID: 7}}) == Place(3, {ID: 7})
    assert Place.read({}) == Place(0, {})


@pytest.mark.parametrize(
    "value",
    [
        [],
        "x",
        7,
        {"user_pos": "3"},
        {"user_pos": -1},
        {"user_pos": True},
        {"user_pos": 2**60},
        {"positions": [1]},
        {"positions": {"c": 1}},
        {"positions": {ID: "1"}},
        {"positions": {ID: None}},
    ],
)
def test_anything_else_is_refused(value: Any) -> None:
    """With a pointer to what is wrong."""
    with pytest.raises(Invalid) as caught:
        Place.read(value)
    assert caught.value.violations[0].field == "/resume"


HEADS = Place(5, {"c": 9, "d": 3})


def kept() -> Ring:
    """The last frames of two conversations and of a user's own log."""
    ring = Ring()
    for log, numbers in (("c", range(6, 10)), ("d", range(1, 4)), ("me", range(4, 6))):
        for number in numbers:
            ring.add(log, number, f"{log}{number}".encode())
    return ring


@pytest.mark.parametrize(
    ("place", "frames"),
    [
        (Place(5, {"c": 9, "d": 3}), []),
        (Place(4, {"c": 7, "d": 2}), [b"c8", b"c9", b"d3", b"me5"]),
        (Place(0, {"c": 8}), [b"c9"]),  # A new client, and a conversation that starts now.
        (Place(5, {"c": 8}), [b"c9"]),
        (Place(4, {"c": 8}), None),  # It may have been joined since.
        (Place(2, {"c": 9, "d": 3}), None),  # Older than what is kept.
        (Place(5, {"c": 2, "d": 3}), None),
        (Place(5, {"c": 10, "d": 3}), None),  # Ahead of what is known.
        (Place(6, {"c": 9, "d": 3}), None),
    ],
)
def test_what_is_kept_here_need_not_be_read(place: Place, frames: list[bytes] | None) -> None:
    """All of it or nothing, and only where it is sure that nothing else has changed."""
    assert recall(kept(), "me", place, HEADS) == frames


def test_too_much_is_for_the_store_to_refuse() -> None:
    """However much is kept."""
    ring = Ring(max_frames=MAX_REPLAYED + 1)
    for number in range(1, MAX_REPLAYED + 2):
        ring.add("c", number, b"x")
    heads = Place(0, {"c": MAX_REPLAYED + 1})
    assert recall(ring, "me", Place(0, {"c": 0}), heads) is None
    assert len(recall(ring, "me", Place(0, {"c": 1}), heads) or []) == MAX_REPLAYED

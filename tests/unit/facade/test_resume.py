"""The place that a client resumes from."""

from typing import Any

import pytest

from facade.resume import Place
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

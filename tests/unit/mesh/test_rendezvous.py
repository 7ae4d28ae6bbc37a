"""Who owns what, and what moves when somebody comes or goes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mesh.rendezvous import ranked

NAMES = st.sets(st.text(min_size=1, max_size=8), min_size=1, max_size=6)
KEYS = [f"key {number}" for number in range(2_000)]


@given(st.text(), NAMES)
def test_everybody_answers_the_same(key: str, names: set[str]) -> None:
    """In whatever order they know the names."""
    assert ranked(key, sorted(names)) == ranked(key, sorted(names, reverse=True))
    assert set(ranked(key, names)) == names


@given(st.text(), NAMES)
def test_only_what_was_owned_by_who_goes_moves(key: str, names: set[str]) -> None:
    """The others keep their order, so the next in rank takes over."""
    order = ranked(key, names)
    for gone in names:
        assert ranked(key, names - {gone}) == [name for name in order if name != gone]


def test_keys_are_spread_evenly() -> None:
    """No instance of four has more than a third of the keys."""
    owned = Counter(ranked(key, ["a:1", "b:1", "c:1", "d:1"])[0] for key in KEYS)
    assert max(owned.values()) < len(KEYS) / 3
    assert len(owned) == 4

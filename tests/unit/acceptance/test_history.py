"""The checker of histories finds each kind of violation that is planted, and nothing in a good one."""

from dataclasses import replace

import pytest

from tests.acceptance.history import Entry, missed, violations

GOOD = [Entry("c", seq, f"id{seq}", f"k{seq}", f"text {seq}") for seq in range(1, 6)]
ATTEMPTED = {entry.key for entry in GOOD} | {"never acknowledged"}


def test_a_good_history_has_none() -> None:
    """Repeated acknowledgements of one message, and messages that were never acknowledged, are no violations."""
    assert violations([*GOOD[:3], GOOD[1]], GOOD, ATTEMPTED) == []


def test_conversations_are_counted_apart() -> None:
    """Each has its own numbers, and its own keys."""
    other = [replace(entry, conversation_id="d", id=f"other {entry.id}") for entry in GOOD]
    assert violations([*GOOD, *other], [*GOOD, *other], ATTEMPTED) == []


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (GOOD[:4], {"lost"}),
        (GOOD[:2] + GOOD[3:], {"lost", "gap"}),
        ([replace(entry, seq=entry.seq + 1) for entry in GOOD], {"changed", "gap"}),
        ([*GOOD[:4], replace(GOOD[4], text="another")], {"changed"}),
        ([*GOOD[:4], replace(GOOD[4], id="another")], {"lost"}),
        ([*GOOD, replace(GOOD[0], seq=6, id="id6")], {"duplicate key"}),
        ([*GOOD, replace(GOOD[0], seq=6, key="never acknowledged")], {"changed", "duplicate id"}),
        ([*GOOD, replace(GOOD[4], id="id6", key="never acknowledged")], {"duplicate number"}),
        ([*GOOD, Entry("c", 6, "id6", "k6", "text")], {"invented"}),
        ([], {"lost"}),
    ],
    ids=["loss", "hole", "shift", "edit", "other-id", "twice", "id-twice", "number-twice", "stranger", "all"],
)
def test_what_is_planted_is_found(found: list[Entry], kinds: set[str]) -> None:
    """Each kind by its name."""
    assert {line.split(":")[0] for line in violations(GOOD, found, ATTEMPTED)} == kinds


@pytest.mark.parametrize("seen", [[1, 2, 4], [1, 2, 3, 3, 4], [2, 3, 4], [1, 3, 2, 4], [1, 2, 3], [1, 2, 3, 4, 5], []])
def test_a_follower_that_missed_or_repeated(seen: list[int]) -> None:
    """Every position once and in order, up to the last."""
    assert len(missed({"c": seen}, {"c": 4})) == 1
    assert missed({"c": [1, 2, 3, 4]}, {"c": 4}) == []

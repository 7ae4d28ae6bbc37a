"""Rules of reactions: what a message shows of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import WrongState
from services.message.messages.domain import Message, Reaction
from services.message.reactions.domain import (
    MAX_ACTORS,
    MAX_EMOJI,
    added,
    check_room,
    is_short,
    refilled,
    removed,
    shown,
)

MESSAGE = Message("m", "w", "c", 1, "author", "k", "hi", "", {}, 1, datetime(2026, 5, 1, tzinfo=UTC))


def test_there_is_room_for_so_many_different_ones() -> None:
    """And for more of each."""
    full = replace(MESSAGE, reactions=tuple(Reaction(f"e{i}", 1, ("a",)) for i in range(MAX_EMOJI)))
    check_room(full, "e0")
    check_room(removed(full, "e1", "a"), "new")
    with pytest.raises(WrongState, match="QUOTA_REACHED"):
        check_room(full, "new")


def test_each_reaction_changes_the_etag_and_not_the_version() -> None:
    """A refill belongs to the removal before it."""
    one = added(MESSAGE, "x", "a")
    two = removed(added(one, "x", "b"), "x", "a")
    assert (one.version, one.revision, two.revision) == (1, 2, 4)
    assert refilled(two, "x", ["b"]) == two


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, MAX_ACTORS + 5)), max_size=200))
def test_what_is_shown_agrees_with_who_reacted(steps: list[tuple[str, int]]) -> None:
    """Whoever reacts with what they have takes it away; names are filled up as the journal does."""
    message, there = MESSAGE, dict[str, list[str]]()
    for emoji, number in steps:
        actors, user_id = there.setdefault(emoji, []), f"user {number}"
        if user_id in actors:
            actors.remove(user_id)
            message = removed(message, emoji, user_id)
            if is_short(shown(message, emoji)):
                message = refilled(message, emoji, actors[:MAX_ACTORS])
        else:
            actors.append(user_id)
            message = added(message, emoji, user_id)
        if not actors:
            del there[emoji]
    assert message.reactions == tuple(
        Reaction(emoji, len(actors), tuple(actors[:MAX_ACTORS])) for emoji, actors in there.items()
    )
    assert shown(message, "none") == Reaction("none", 0, ())

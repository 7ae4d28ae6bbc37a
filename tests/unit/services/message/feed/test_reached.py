"""What is told of what comes, in whatever order."""

from hypothesis import given
from hypothesis import strategies as st

from chat.message.v1.change_pb2 import Change
from services.message.feed.domain import Place
from services.message.feed.reached import Gap, Reached


def reached(user_pos: int = 0, **positions: int) -> Reached:
    found = Reached()
    found.begin(Place(user_pos, positions))
    return found


def message(pos: int, conversation_id: str = "c") -> Change:
    return Change(type="message-new", conversation_id=conversation_id, pos=pos)


def own(user_pos: int, kind: str = "unread-updated", **last_pos: int) -> Change:
    change = Change(type=kind, conversation_id="c", user_pos=user_pos)
    if last_pos:
        change.data.conversation.last_pos = last_pos["last_pos"]
    return change


def test_what_is_next_is_told_and_what_was_is_not() -> None:
    """By conversation, and in the user's own log."""
    logs = reached(3, c=1)
    took = [logs.take(change, is_addressed=False) for change in (message(1), message(2), own(3), own(4))]
    assert took == [False, True, False, True]


def test_what_comes_too_early_is_read_with_what_is_missing() -> None:
    """And does not come again."""
    logs = reached(1, c=1)
    assert logs.take(message(4), is_addressed=False) == Gap("c", 1, 4)
    assert logs.take(message(3), is_addressed=False) is False
    assert logs.take(message(5), is_addressed=False) is True
    assert logs.take(own(3), is_addressed=False) == Gap("", 1, 3)


def test_what_is_of_the_moment_is_told_to_members() -> None:
    """It has no place."""
    logs = reached(c=1)
    took = [logs.take(message(0, id_), is_addressed=False) for id_ in ("c", "other")]
    assert [*took, logs.take(message(0, "other"), is_addressed=True)] == [True, False, True]


def test_who_joins_is_told_from_there_on() -> None:
    """By the change that makes them a member, or by their own log; what somebody tells who does not know yet is not."""
    logs = reached()
    assert logs.take(message(7), is_addressed=False) is False
    assert logs.take(message(8), is_addressed=True) is True
    assert logs.take(own(1, "conversation-added", last_pos=9), is_addressed=True) is True
    assert logs.take(message(9), is_addressed=False) is True
    later = reached()
    later.learn(own(1, "conversation-added", last_pos=9))
    assert later.take(message(10), is_addressed=False) is True


def test_who_has_left_is_told_nothing() -> None:
    """Wherever they still count as a member."""
    logs = reached(c=1)
    assert logs.take(own(1, "conversation-removed"), is_addressed=True) is True
    assert logs.take(message(3), is_addressed=False) is False


def test_a_place_that_is_known_otherwise_is_read_up_to() -> None:
    """Once, and only of the user's conversations."""
    logs = reached(1, c=1, d=5)
    place = Place(2, {"c": 3, "d": 5, "foreign": 9})
    assert list(logs.stand(place)) == [Gap("", 1, 2), Gap("c", 1, 3)]
    assert list(logs.stand(place)) == []


@given(st.data())
def test_told_and_read_together_are_all_of_it_once(data: st.DataObject) -> None:
    """Whatever is shuffled, repeated and lost."""
    size = data.draw(st.integers(1, 15))
    came = data.draw(st.permutations([*range(1, size + 1), *data.draw(st.lists(st.integers(1, size), max_size=5))]))
    logs, told = reached(c=0), list[int]()
    for pos in came[: data.draw(st.integers(0, len(came)))]:
        found = logs.take(message(pos), is_addressed=False)
        if isinstance(found, Gap):
            told += range(found.after + 1, found.upto + 1)
        elif found:
            told.append(pos)
    for gap in logs.stand(Place(0, {"c": size})):
        told += range(gap.after + 1, gap.upto + 1)
    assert told == list(range(1, size + 1))

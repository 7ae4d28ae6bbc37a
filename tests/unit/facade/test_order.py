"""One order for each log, whatever comes, however often and in which turn."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chat.message.v1.change_pb2 import Change
from chat.message.v1.feed_service_pb2 import RelayEvent
from facade import order as order_module
from facade.order import Order, event_of


def event(log: str, number: int) -> RelayEvent:
    return RelayEvent(change=Change(type="message-new", conversation_id=log, pos=number))


def own(user_id: str, number: int) -> RelayEvent:
    return RelayEvent(change=Change(type="unread-updated", user_pos=number), user_id=user_id)


def handed(order: Order, *events: RelayEvent) -> list[int]:
    return [one.change.pos or one.change.user_pos for one in order.take(events)]


def carrying(*logs: str) -> Order:
    order = Order()
    for log in logs:
        order.open(log, 0)
    return order


def test_what_is_next_is_handed_on_and_what_was_is_not() -> None:
    """By conversation, and by user."""
    order = carrying("c")
    order.open("u", 4, is_user=True)
    assert handed(order, event("c", 1), event("c", 1), own("u", 4), own("u", 5), event("c", 2)) == [1, 5, 2]
    assert dict(order.places()) == {"c": 2, "u": 5}
    assert (order.is_user("u"), order.is_user("c")) == (True, False)


def test_what_comes_too_early_waits() -> None:
    """And is handed on behind all that came with what was missing."""
    order = carrying("c", "d")
    assert handed(order, event("c", 3), event("c", 2)) == []
    assert order.missing() == {"c": (0, 1)}
    assert handed(order, event("c", 1), event("d", 1)) == [1, 1, 2, 3]
    assert order.holes == {}


def test_what_is_in_no_log_passes() -> None:
    """Typing, and what tells somebody of the conversation that they join."""
    order = carrying("u")
    addressed = RelayEvent(change=Change(type="member-added", conversation_id="c", pos=7), user_id="u")
    assert handed(order, event("c", 0), addressed) == [0, 7]


def test_logs_of_nobody_are_not_kept() -> None:
    """Neither their changes nor their holes."""
    order = carrying("c")
    assert handed(order, event("other", 1), event("c", 5)) == []
    order.close("c")
    order.close("c")
    order.stands("c", 9)
    assert (order.holes, order.places(), order.last("c")) == ({}, [], 0)


def test_a_place_that_others_know_of_is_a_hole() -> None:
    """Until the log gets there."""
    order = carrying("c")
    order.stands("c", 0)
    assert order.missing() == {}
    order.stands("c", 2)
    order.stands("c", 1)
    assert order.missing() == {"c": (0, 2)}
    assert handed(order, event("c", 1)) == [1]
    assert order.missing() == {"c": (1, 2)}
    assert handed(order, event("c", 2)) == [2]
    assert order.missing() == {}


def test_a_hole_behind_a_hole() -> None:
    """Each is told of in its turn."""
    order = carrying("c")
    assert handed(order, event("c", 2), event("c", 4)) == []
    assert order.missing() == {"c": (0, 1)}
    assert handed(order, event("c", 1)) == [1, 2]
    assert order.missing() == {"c": (2, 3)}


def test_what_is_held_is_bounded(monkeypatch: Any) -> None:
    """What finds no room is missing like what never came."""
    monkeypatch.setattr(order_module, "MAX_HELD", 2)
    order = carrying("c")
    handed(order, *[event("c", number) for number in (2, 3, 4, 5)])
    assert handed(order, event("c", 1)) == [1, 2, 3]
    assert order.missing() == {"c": (3, 5)}


def test_who_is_handed_a_change_may_open_a_log_before_the_next_one() -> None:
    """Whoever is added to a conversation gets what follows in the same frame."""
    order = carrying("u")
    got = []
    for one in order.take([own("u", 1), event("c", 8), event("c", 9)]):
        got.append(one.change.pos or one.change.user_pos)
        if one.user_id:
            assert order.open("c", 7) == 7
    assert got == [1, 8, 9]


def test_a_log_can_be_closed_while_its_changes_are_handed_on() -> None:
    """Nothing more of it comes."""
    order = carrying("c")
    handed(order, event("c", 2), event("c", 3))
    got = []
    for one in order.take([event("c", 1)]):
        got.append(one.change.pos)
        if one.change.pos == 2:
            order.close("c")
    assert got == [1, 2]


def test_a_change_that_was_read_is_as_one_that_was_told() -> None:
    """Whoever was removed does not get what tells the others of it."""
    removed = Change(type="member-removed", conversation_id="c", pos=3)
    removed.data.member.user.id = "u"
    assert event_of(removed).except_user_id == "u"
    assert event_of(Change(type="unread-updated", user_pos=1), "u") == own("u", 1)


@given(st.data())
def test_whatever_happens_on_the_way_all_comes_once_and_in_order(data: st.DataObject) -> None:
    """Shuffled, repeated and lost events of several logs, in frames of any size; what is missing is read at the end."""
    sizes = data.draw(st.dictionaries(st.sampled_from("abc"), st.integers(1, 12), min_size=1))
    sent = [(log, number) for log, size in sizes.items() for number in range(1, size + 1)]
    came = data.draw(st.permutations(sent + data.draw(st.lists(st.sampled_from(sent), max_size=10))))
    came = came[: data.draw(st.integers(0, len(came)))]
    order, got = carrying(*sizes), dict[str, list[int]]()

    def take(events: list[tuple[str, int]]) -> None:
        for one in order.take([event(*place) for place in events]):
            got.setdefault(one.change.conversation_id, []).append(one.change.pos)

    while came:
        cut = data.draw(st.integers(1, len(came)))
        take(came[:cut])
        came = came[cut:]
    for log, size in sizes.items():
        order.stands(log, size)
    while missing := order.missing():
        for log, (after, upto) in missing.items():
            take([(log, number) for number in range(after + 1, upto + 1)])
    assert got == {log: list(range(1, size + 1)) for log, size in sizes.items()}
    assert order.holes == {}

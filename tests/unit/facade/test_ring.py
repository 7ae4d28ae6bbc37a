"""Frames that are kept for sockets that come back."""

from hypothesis import given
from hypothesis import strategies as st

from facade.ring import Ring


def filled(first: int, last: int, **bounds: int) -> Ring:
    ring = Ring(**bounds)
    for number in range(first, last + 1):
        ring.add("c", number, b"%d" % number)
    return ring


def test_what_came_between_is_told() -> None:
    """In order, without what is known or not asked for."""
    ring = filled(5, 9)
    assert ring.between("c", 6, 8) == [b"7", b"8"]
    assert ring.between("c", 4, 9) == [b"5", b"6", b"7", b"8", b"9"]
    assert ring.between("c", 9, 9) == []


def test_what_is_not_all_here_is_not_told_in_part() -> None:
    """Neither what is older, nor what is not known yet, nor of a log that is not kept."""
    ring = filled(5, 9)
    assert ring.between("c", 3, 9) is None
    assert ring.between("c", 7, 10) is None
    assert ring.between("d", 0, 1) is None
    assert ring.between("d", 3, 3) == []


def test_a_gap_ends_what_was_before() -> None:
    """Nobody could tell it from the whole."""
    ring = filled(1, 3)
    ring.add("c", 5, b"5")
    assert ring.between("c", 2, 5) is None
    assert ring.between("c", 4, 5) == [b"5"]


def test_what_is_forgotten_is_not_told() -> None:
    """But what comes after it is."""
    ring = filled(1, 3)
    ring.forget("c")
    ring.add("c", 5, b"5")
    assert ring.between("c", 2, 3) is None
    assert ring.between("c", 4, 5) == [b"5"]


def test_a_log_keeps_the_latest() -> None:
    """Up to a number."""
    ring = filled(1, 9, max_frames=3)
    assert ring.between("c", 6, 9) == [b"7", b"8", b"9"]
    assert ring.between("c", 5, 9) is None


def test_all_logs_together_keep_so_many_bytes() -> None:
    """The log goes that was quiet for longest."""
    ring = Ring(max_bytes=10)
    for log in ("a", "b", "a", "c"):
        ring.add(log, 1 if log != "a" or ring.between("a", 0, 1) is None else 2, b"123")
    assert ring.between("b", 0, 1) is None
    assert ring.between("a", 0, 2) == [b"123", b"123"]
    assert ring.between("c", 0, 1) == [b"123"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6)), max_size=60), st.integers(0, 6), st.integers(0, 6))
def test_whatever_is_told_is_all_there_was(added: list[tuple[str, int]], after: int, upto: int) -> None:
    """However frames come: with gaps, again, too many."""
    ring = Ring(max_frames=4, max_bytes=12)
    for log, number in added:
        ring.add(log, number, f"{log}{number}".encode())
    for log in "ab":
        told = ring.between(log, after, upto)
        assert told is None or told == [f"{log}{number}".encode() for number in range(after + 1, upto + 1)]

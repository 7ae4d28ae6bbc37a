"""The sessions that have ended before their tokens."""

import pytest

from mesh.errors import Unauthenticated
from mesh.identity.revocations import Callback, Revocations


class World:
    def __init__(self) -> None:
        self.now = 1000.0
        self.revocations = Revocations(lambda: self.now)
        self.heard: list[str] = []

    def hear(self, name: str) -> None:
        self.heard.append(name)


def test_a_session_is_refused_once_it_has_ended() -> None:
    """It, and no other."""
    world = World()
    world.revocations.check("s-1")
    world.revocations.add([("s-1", 1660.0)])
    assert "s-1" in world.revocations
    with pytest.raises(Unauthenticated, match="SESSION_REVOKED"):
        world.revocations.check("s-1")
    world.revocations.check("s-2")


def test_an_end_is_forgotten_when_its_time_has_come() -> None:
    """The set is no larger than what still matters."""
    world = World()
    world.revocations.add([("s-1", 1660.0), ("s-2", 1670.0)])
    world.now = 1660.0
    world.revocations.add([])
    assert "s-1" not in world.revocations
    assert len(world.revocations) == 1


def test_an_end_that_is_told_twice_is_one() -> None:
    """As after the stream was opened again; the later time counts."""
    world = World()
    world.revocations.add([("s-1", 1660.0)])
    world.revocations.add([("s-1", 1700.0)])
    world.now = 1660.0
    world.revocations.add([])
    assert len(world.revocations) == 1


def test_everybody_who_waits_for_an_end_hears_of_it_once() -> None:
    """Also those whose wishes are equal."""
    world = World()
    for _ in range(2):
        world.revocations.on_revoked("s-1", lambda: world.hear("one"))
    world.revocations.on_revoked("s-2", lambda: world.hear("two"))
    world.revocations.add([("s-1", 1660.0)])
    world.revocations.add([("s-1", 1660.0)])
    assert world.heard == ["one", "one"]


def test_who_comes_too_late_hears_at_once() -> None:
    """Between proving a token and waiting for its end nothing is lost."""
    world = World()
    world.revocations.add([("s-1", 1660.0)])
    withdraw = world.revocations.on_revoked("s-1", lambda: world.hear("late"))
    assert world.heard == ["late"]
    withdraw()


def test_a_wish_can_be_taken_back() -> None:
    """That one alone, as often as one likes, before and after the end."""
    world = World()
    withdraw = world.revocations.on_revoked("s-1", lambda: world.hear("gone"))
    world.revocations.on_revoked("s-1", lambda: world.hear("stays"))
    withdraw()
    withdraw()
    world.revocations.add([("s-1", 1660.0)])
    withdraw()
    assert world.heard == ["stays"]


def test_a_wish_may_be_taken_back_by_one_that_is_heard() -> None:
    """Two streams of one session end each other's wishes as they end."""
    world = World()
    withdrawn: list[Callback] = []

    def end() -> None:
        world.hear("end")
        for withdraw in withdrawn:
            withdraw()

    withdrawn += [world.revocations.on_revoked("s-1", end) for _ in range(2)]
    world.revocations.add([("s-1", 1660.0)])
    assert world.heard == ["end", "end"]

"""What waits for its time."""

from facade.engine.wheel import Wheel


class World:
    """A wheel by a clock of the test's own, and what was called."""

    def __init__(self) -> None:
        self.now = 100.25
        self.wheel = Wheel(clock=lambda: self.now)
        self.called: list[str] = []

    def after(self, seconds: float, name: str) -> None:
        self.wheel.after(seconds, lambda: self.called.append(name))

    def at(self, seconds: float) -> list[str]:
        self.now = 100.25 + seconds
        self.wheel.turn()
        return self.called


def test_nothing_is_called_before_its_time() -> None:
    """Nor more than a tick after it."""
    world = World()
    for seconds in (0.0, 0.5, 1.0, 7.9):
        world.after(seconds, str(seconds))
    assert world.at(0) == []
    assert world.at(1) == ["0.0", "0.5"]
    assert world.at(2) == ["0.0", "0.5", "1.0"]
    assert world.at(7) == ["0.0", "0.5", "1.0"]
    assert world.at(8.9)[3:] == ["7.9"]


def test_a_wheel_that_stood_still_catches_up() -> None:
    """In the order of time, each once."""
    world = World()
    world.after(30, "late")
    world.after(2, "soon")
    assert world.at(100) == ["soon", "late"]
    assert world.at(200) == ["soon", "late"]


def test_what_fails_does_not_keep_others_from_their_turn() -> None:
    """It is logged."""
    world = World()

    def fail() -> None:
        raise ValueError

    world.wheel.after(1, fail)
    world.after(1, "next")
    assert world.at(3) == ["next"]


def test_what_is_called_may_wait_again() -> None:
    """Even for no time at all: that is the next tick."""
    world = World()
    world.wheel.after(0, lambda: world.after(0, "again"))
    assert world.at(1) == []
    assert world.at(2) == ["again"]

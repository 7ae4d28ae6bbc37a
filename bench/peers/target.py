"""A server under load, whichever it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Room:
    """`tokens` has one for each member; what they are is for the target and its dialect to know."""

    id: str
    tokens: Sequence[str]


def plain_rooms(count: int, members: int) -> list[Room]:
    """Rooms of servers that let in everybody."""
    return [Room(f"room{number}", [""] * members) for number in range(count)]


@dataclass(slots=True)
class Target:
    """`roots` are its processes, the database's too; `url` is where the generator connects."""

    name: str
    dialect: str
    url: str
    roots: list[int]
    rooms: Callable[[int, int], list[Room]] = field(default=plain_rooms)
    """Makes so many rooms of so many members, none of whom is in two."""
    restart: Callable[[], None] | None = None
    """Kills it and starts it again, at the same address."""

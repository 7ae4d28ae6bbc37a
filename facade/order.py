"""The one order in which the changes of each log are handed on, whichever instances tell of them, and in which turn.

A log is that of a conversation or a user's own; its numbers have no gaps. What is next is handed on, what was is
dropped, what comes too early waits for the rest. What is in no log, such as typing, passes through.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chat.message.v1.change_pb2 import Change
from chat.message.v1.feed_service_pb2 import RelayEvent

MAX_HELD = 1_000
"""Changes of one log that wait for those before. More are not kept: they are read with the rest of the hole."""


@dataclass(slots=True)
class Hole:
    """Something of a log is missing: all between what was handed on and what is held, and all up to `known`."""

    known: int = 0
    held: dict[int, RelayEvent] = field(default_factory=dict)


class Order:
    """Knows how far each log was handed on. `holes` are those of which something is missing, by log."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._users: set[str] = set()
        self.holes: dict[str, Hole] = {}

    def open(self, log: str, number: int, *, is_user: bool = False) -> int:
        """Begins to carry a log after `number`, if it is not carried already; up to where it is handed on."""
        if is_user:
            self._users.add(log)
        return self._last.setdefault(log, number)

    def close(self, log: str) -> None:
        """Nobody here is interested any more."""
        self._last.pop(log, None)
        self._users.discard(log)
        self.holes.pop(log, None)

    def last(self, log: str) -> int:
        """Up to where a log is handed on; 0 for one that is not carried."""
        return self._last.get(log, 0)

    def take(self, events: Iterable[RelayEvent]) -> Iterator[RelayEvent]:
        """What is to be handed on, in order. Whoever is handed a change may open and close logs before the next one."""
        filled: dict[str, None] = {}
        for event in events:
            change = event.change
            log, number = (event.user_id, change.user_pos) if event.user_id else (change.conversation_id, change.pos)
            if not number:
                yield event
            elif (last := self._last.get(log)) is None or number <= last:
                continue
            elif number > last + 1:
                self._hold(log, number, event)
            else:
                self._last[log] = number
                if log in self.holes:
                    filled[log] = None
                yield event
        for log in filled:  # Only now: what else came with the change, such as who may not see the next, goes before.
            yield from self._next_of(log)

    def stands(self, log: str, number: int) -> None:
        """Somebody knows that a log goes as far as `number`."""
        last = self._last.get(log)
        if last is not None and number > last:
            hole = self._hole(log)
            hole.known = max(hole.known, number)

    def missing(self) -> dict[str, tuple[int, int]]:
        """Of each log with a hole: after what number, and up to which, it is missing."""
        return {log: (self.last(log), min(hole.held, default=hole.known + 1) - 1) for log, hole in self.holes.items()}

    def is_user(self, log: str) -> bool:
        return log in self._users

    def places(self) -> list[tuple[str, int]]:
        """All logs, and up to where they are handed on."""
        return list(self._last.items())

    def _hold(self, log: str, number: int, event: RelayEvent) -> None:
        hole = self._hole(log)
        hole.known = max(hole.known, number)
        if len(hole.held) < MAX_HELD:
            hole.held[number] = event

    def _hole(self, log: str) -> Hole:
        return self.holes.setdefault(log, Hole())

    def _next_of(self, log: str) -> Iterator[RelayEvent]:
        hole = self.holes.get(log)
        while hole is not None and (event := hole.held.pop(self._last.get(log, -1) + 1, None)) is not None:
            self._last[log] += 1
            yield event
            hole = self.holes.get(log)
        last = self._last.get(log)
        if hole is None or last is None:
            return
        hole.held = {number: event for number, event in hole.held.items() if number > last}
        if hole.known <= last:
            del self.holes[log]


def event_of(change: Change, user_id: str = "") -> RelayEvent:
    """A change that was read from a log, as a stream would have told of it."""
    removed = change.data.member.user.id if change.type == "member-removed" else ""
    return RelayEvent(change=change, user_id=user_id, except_user_id=removed)

"""How far a user's logs have come at one stream, where changes come from several instances, in any order."""

from collections.abc import Iterator
from dataclasses import dataclass

from chat.message.v1 import change_pb2 as pb
from services.message.feed.domain import CONVERSATION_ADDED, CONVERSATION_REMOVED, Place


@dataclass(frozen=True, slots=True)
class Gap:
    """Changes after `after`, up to `upto`, that did not come: of a conversation, or of the user's own log."""

    conversation_id: str
    after: int
    upto: int


class Reached:
    """What is next in a log is told, what was is not. What comes too early is read together with what is missing.

    With one instance everything comes in order.
    """

    def __init__(self) -> None:
        self.user_pos = 0
        self.positions: dict[str, int] = {}
        self.is_begun = False

    def begin(self, heads: Place) -> None:
        """Where the stream was opened."""
        self.user_pos, self.positions, self.is_begun = heads.user_pos, dict(heads.positions), True

    def take(self, change: pb.Change, *, is_addressed: bool) -> Gap | bool:
        """Whether a change is to be told, or what is to be read in its place."""
        if change.user_pos:
            return self._take_own(change)
        conversation_id, pos = change.conversation_id, change.pos
        last = self.positions.get(conversation_id)
        if not pos:
            return is_addressed or last is not None
        if last is None and is_addressed:  # By it the user becomes a member.
            last = pos - 1
        if last is None or pos <= last:
            return False
        self.positions[conversation_id] = pos
        return pos == last + 1 or Gap(conversation_id, last, pos)

    def learn(self, change: pb.Change) -> None:
        """What a change of the own log says about conversations, whether it came or was read."""
        if change.type == CONVERSATION_ADDED:
            self.positions.setdefault(change.conversation_id, change.data.conversation.last_pos)
        elif change.type == CONVERSATION_REMOVED:
            self.positions.pop(change.conversation_id, None)

    def stand(self, place: Place) -> Iterator[Gap]:
        """What is missing up to a place where the logs are known to stand."""
        if place.user_pos > self.user_pos:
            yield Gap("", self.user_pos, place.user_pos)
            self.user_pos = place.user_pos
        for conversation_id, pos in place.positions.items():
            last = self.positions.get(conversation_id, pos)
            if pos > last:
                yield Gap(conversation_id, last, pos)
                self.positions[conversation_id] = pos

    def _take_own(self, change: pb.Change) -> Gap | bool:
        last, pos = self.user_pos, change.user_pos
        if pos <= last:
            return False
        self.user_pos = pos
        if pos > last + 1:
            return Gap("", last, pos)
        self.learn(change)
        return True
